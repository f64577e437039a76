"""Malformed items."""

from tests.unit.schema.rows import JSON, Malformed, each, item, saying

TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
UNSUPPORTED, LONG = "unsupported_value", "string_above_max_length"


def call(**fields: JSON) -> dict[str, JSON]:
    """A request with one function call."""
    good = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
    return item(**good | fields)


def output(**fields: JSON) -> dict[str, JSON]:
    """A request with one result of a call."""
    return item(**{"type": "function_call_output", "call_id": "call_1", "output": "5"} | fields)


def twice(**fields: JSON) -> dict[str, JSON]:
    """A request that holds an item twice."""
    return saying(input=[fields, fields])


SHAPES: list[Malformed] = [
    *each(
        TYPE,
        "input",
        {
            "an input that is a number": saying(input=5),
            "an input that is one item": saying(input={"role": "user", "content": "Hello."}),
            "an input that is true": saying(input=True),
        },
    ),
    *each(
        TYPE,
        "input[0]",
        {
            "a string among the items": saying(input=["Hello."]),
            "null among the items": saying(input=[None]),
            "an array among the items": saying(input=[[]]),
        },
    ),
    *each(
        MISSING,
        "input[0].type",
        {
            "an empty item": item(),
            "an item of unknown kind": item(call_id="call_1", output="5"),
            "an id and more, without type": item(id="fc_1", name="look_up"),
        },
    ),
    *each(
        VALUE,
        "input[0].type",
        {
            "a misspelt type": item(type="mesage", role="user", content="Hello."),
            "an empty type": item(type=""),
            "a role as type": item(type="user", role="user", content="Hello."),
            "the kind of a dropped item": item(type="receipt"),
            "a shell call": item(type="local_shell_call", call_id="call_1"),
            "a computer's output": item(type="computer_call_output", call_id="call_1"),
            "a patch": item(type="apply_patch_call", call_id="call_1"),
            "another agent's message": item(type="agent_message", content=[]),
        },
    ),
    *each(
        MISSING,
        "input[0].encrypted_content",
        {"a compaction of nothing": item(type="compaction")},
    ),
    *each(
        VALUE,
        "input[0].encrypted_content",
        {"an empty compaction": item(type="compaction", encrypted_content="")},
    ),
    *each(
        VALUE,
        "input[0].type",
        {"a trigger before the end": twice(type="compaction_trigger")},
    ),
    *each(TYPE, "input[0].type", {"a type that is a number": item(type=5)}),
    *each(VALUE, "input[1].id", {"a message twice": twice(id="m", role="user", content="Hello.")}),
]

MESSAGES: list[Malformed] = [
    *each(
        MISSING,
        "input[0].role",
        {
            "a message without role": item(type="message", content="Hello."),
            "a message whose role is null": item(role=None, content="Hello."),
            "content and nothing else": item(content="Hello."),
        },
    ),
    *each(TYPE, "input[0].role", {"a role that is a number": item(role=5, content="Hello.")}),
    *each(
        VALUE,
        "input[0].role",
        {
            "the role tool": item(role="tool", content="5", tool_call_id="call_1"),
            "the role function": item(role="function", content="5"),
            "an unknown role": item(role="critic", content="Hello."),
        },
    ),
    *each(
        MISSING,
        "input[0].content",
        {
            "a user without words": item(role="user"),
            "an assistant without words": item(role="assistant"),
        },
    ),
    *each(
        TYPE,
        "input[0].content",
        {
            "content that is null": item(role="user", content=None),
            "content that is one part": item(role="user", content={"type": "input_text"}),
            "an assistant's content that is null": item(role="assistant", content=None),
        },
    ),
    *each(VALUE, "input[0].phase", {"a phase": item(role="assistant", content="", phase="x")}),
    *each(TYPE, "input[0].id", {"an id that is a number": item(role="user", content="", id=5)}),
    *each(LONG, "input[0].id", {"an endless id": item(role="user", content="", id="m" * 513)}),
]

CALLS: list[Malformed] = [
    *each(MISSING, "input[0].call_id", {"a call without id": item(type="function_call", name="f")}),
    *each(TYPE, "input[0].call_id", {"a result for null": output(call_id=None)}),
    *each(VALUE, "input[0].call_id", {"a result for an empty id": output(call_id="")}),
    *each(LONG, "input[0].call_id", {"a call's endless id": call(call_id="c" * 65)}),
    *each(TYPE, "input[0].name", {"a call of null": call(name=None)}),
    *each(VALUE, "input[0].name", {"a call of nothing": call(name="")}),
    *each(TYPE, "input[0].arguments", {"arguments as an object": call(arguments={})}),
    *each(TYPE, "input[0].namespace", {"a namespace 5": call(namespace=5)}),
    *each(
        TYPE,
        "input[0].output",
        {
            "a result that is an object": output(output={"temperature": 20}),
            "a result that is null": output(output=None),
            "a result that is a number": output(output=20),
        },
    ),
    *each(
        MISSING,
        "input[0].output",
        {"no result": item(type="custom_tool_call_output", call_id="call_1")},
    ),
    *each(
        VALUE,
        "input[0].output[0].type",
        {"a model's text as a result": output(output=[{"type": "output_text", "text": "5"}])},
    ),
    *each(
        MISSING,
        "input[0].input",
        {"a custom call without input": item(type="custom_tool_call", call_id="c", name="exec")},
    ),
]

REASONING: list[Malformed] = [
    *each(TYPE, "input[0].summary", {"a summary in words": item(type="reasoning", summary="Hm.")}),
    *each(
        VALUE,
        "input[0].summary[0].type",
        {"a summary of text": item(type="reasoning", summary=[{"type": "text", "text": "Hm."}])},
    ),
    *each(
        MISSING,
        "input[0].content[0].text",
        {"no thought": item(type="reasoning", summary=[], content=[{"type": "reasoning_text"}])},
    ),
    *each(
        TYPE,
        "input[0].encrypted_content",
        {"a seal of 5": item(type="reasoning", summary=[], encrypted_content=5)},
    ),
    *each(MISSING, "input[0].id", {"a reference to nothing": item(type="item_reference")}),
    *each(VALUE, "input[0].id", {"an empty reference": item(type="item_reference", id="")}),
    *each(VALUE, "input[0].id", {"an empty id alone": item(id="")}),
    *each(MISSING, "input[0].tools", {"more tools, but none": item(type="additional_tools")}),
]

INPUT = [*SHAPES, *MESSAGES, *CALLS, *REASONING]
OVERSIZED_INPUT = [
    *each(
        LONG, "input[0].content", {"a long message": item(role="user", content="x" * 10_485_761)}
    ),
    *each(LONG, "input[0].output", {"a long result": output(output="x" * 10_485_761)}),
]
