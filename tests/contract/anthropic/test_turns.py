"""Any conversation of a client's becomes one that the vendor takes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import decode, encode

from rejoinder.context import paired
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import InvalidRequest
from rejoinder.providers.anthropic.models import CLAUDE, UNKNOWN
from rejoinder.providers.anthropic.request import messages_request
from rejoinder.providers.base import Turn
from rejoinder.providers.registry import Registry, Service
from rejoinder.schema.reader import read_request
from rejoinder.schema.request import CreateResponse
from tests.contract.anthropic.claude import BOUND, OLD, OPUS, SONNET, TIME, WEATHER
from tests.upstreams.anthropic_request import BINDING_BETA, as_blocks, check_request
from tests.upstreams.anthropic_signing import redacted, signature

type JSON = Any

HEADERS = {"anthropic-version": "2023-06-01", "anthropic-beta": BINDING_BETA}
PIXEL = "data:image/png;base64,iVBORw0KGgo="

texts = st.sampled_from(["", " ", "Hello", "Wörter\n", "  spaced  "])
ids = st.sampled_from(["call_1", "toolu_2", "call 3/ü", "x" * 64])
parts = st.one_of(
    st.builds(lambda text: {"type": "input_text", "text": text}, texts),
    st.just({"type": "input_image", "image_url": PIXEL}),
    st.just({"type": "input_file", "filename": "a.md", "file_data": "aGk="}),
)
contents = st.one_of(texts, st.lists(parts, min_size=1, max_size=3))


def message(role: str, content: JSON) -> JSON:
    return {"role": role, "content": content}


def call(call_id: str, name: str, arguments: str) -> JSON:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def thought(number: int) -> JSON:
    return {"type": "reasoning", "id": f"rs_{number}", "summary": []}


steps = st.lists(
    st.one_of(
        st.builds(lambda content: [message("user", content)], contents),
        st.builds(lambda text: [message("system", text)], texts),
        st.builds(lambda text: [message("assistant", text)], texts),
        st.builds(lambda number: [thought(number)], st.integers(1, 9)),
        st.builds(
            lambda called, output, are_together: _round(called, output, are_together),
            st.lists(
                st.tuples(ids, st.sampled_from(["get_time", "odd.name"])), min_size=1, max_size=3
            ),
            contents,
            st.booleans(),
        ),
    ),
    min_size=1,
    max_size=8,
)


def _round(called: JSON, output: JSON, are_together: bool) -> JSON:
    """Calls and their results, parallel or one after the other."""
    called = list({call_id: (call_id, name) for call_id, name in called}.values())
    asked = [call(call_id, name, '{"a": 1}') for call_id, name in called]
    told = [
        {"type": "function_call_output", "call_id": call_id, "output": output}
        for call_id, _ in called
    ]
    if are_together:
        return [*asked, *told]
    return [each for pair in zip(asked, told, strict=True) for each in pair]


options = st.fixed_dictionaries(
    {},
    optional={
        "instructions": texts,
        "tools": st.sampled_from([[TIME], [WEATHER, TIME]]),
        "reasoning": st.fixed_dictionaries(
            {"effort": st.sampled_from(["none", "minimal", "low", "high", "xhigh", "max"])},
            optional={"summary": st.just("auto")},
        ),
        "temperature": st.sampled_from([0, 1, 1.5]),
        "top_p": st.sampled_from([0.5, 1]),
        "max_output_tokens": st.sampled_from([16, 1024, 1025, 8000]),
        "parallel_tool_calls": st.booleans(),
        "user": st.sampled_from(["me@example.org", "u-1", "x" * 600]),
        "service_tier": st.sampled_from(["auto", "default", "priority"]),
        "text": st.sampled_from(
            [
                {"format": {"type": "json_object"}},
                {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {
                            "type": "object",
                            "properties": {"n": {"type": "integer", "minimum": 1}},
                        },
                    }
                },
                {
                    "format": {
                        "type": "json_schema",
                        "name": "open",
                        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
                    }
                },
            ]
        ),
    },
)
choices = st.sampled_from(["auto", "none", "required", "named", "allowed"])


def _choice(kind: str) -> JSON:
    named = {"type": "function", "name": "get_time"}
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [named]}
    return {"named": named, "allowed": allowed}.get(kind, kind)


def turn_of(request: CreateResponse, model: str) -> Turn:
    registry = Registry([Service("a", "anthropic", None, UNKNOWN, known=CLAUDE)])  # type: ignore[arg-type]
    signed = {
        f"rs_{number}": {"type": "thinking", "thinking": "Hm", "signature": signature("Hm", "p")}
        if number % 2
        else {"type": "redacted_thinking", "data": redacted("Hm", "p")}
        for number in range(1, 7)
    }
    tools = ToolNames(request.tools, request.tool_choice)
    return Turn(
        model=model,
        request=request,
        items=paired([item for item in request.input if item["type"] != "item_reference"]),
        tools=tools,
        known_tools=ToolNames(request.tools),
        facts=registry.route(f"a/{model}").facts,
        is_streamed=True,
        signed=signed,
    )


@settings(max_examples=400, deadline=None)
@given(steps, options, choices, st.sampled_from([SONNET, OPUS, BOUND, OLD, "claude-next-9"]))
def test_every_conversation_becomes_one_that_the_vendor_takes(
    conversation: JSON, more: JSON, choice: str, model: str
) -> None:
    items = [item for step in conversation for item in step]
    body = {"model": "m", "input": items} | more
    if "tools" in more:
        body["tool_choice"] = _choice(choice)
    try:
        request = read_request(encode(body))
    except InvalidRequest:
        return  # an id twice

    asked = decode(encode(messages_request(turn_of(request, model)).body))

    check_request(as_blocks(asked), HEADERS)
