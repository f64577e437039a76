"""Both dialects, and every form of the options that is accepted beside the canonical one."""

from rejoinder.schema.response import ReasoningEcho
from tests.unit.schema.canonical import WEATHER, Accepted, known, user
from tests.unit.schema.rows import JSON, saying, without

ANSWER = {
    "type": "json_schema",
    "name": "answer",
    "description": None,
    "schema": WEATHER,
    "strict": None,  # unsaid
}


def format_of(text: JSON) -> dict[str, JSON]:
    """The field `text` with this format."""
    return {"text": {"format": text, "verbosity": "medium"}}


def same(name: str, /, **fields: JSON) -> Accepted:
    """Fields that are kept as they are."""
    return Accepted(name, saying(**fields), fields)


DIALECTS = [
    Accepted(
        "chat-shaped tools, empty strings and nulls",
        saying(
            input="",
            instructions="",
            temperature=1,
            top_p=1,
            max_output_tokens=16,
            tools=[
                {
                    "type": "function",
                    "function": {"name": "f", "description": "", "parameters": {}},
                }
            ],
            tool_choice=None,
            text={"format": {"type": "text"}},
            include=[""],
            reasoning=None,
        ),
        {
            "input": [user("")],
            "instructions": None,
            "temperature": 1,
            "max_output_tokens": 16,
            "tools": [known("f", description="", parameters={})],
            "tool_choice": "auto",
            "include": [],
            "reasoning": ReasoningEcho(),
        },
    ),
    Accepted(
        "a nested schema and no summary",
        saying(
            text={
                "format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": WEATHER},
                }
            },
            reasoning={"effort": "high", "summary": "none"},
            seed=7,
            service_tier="flex",
        ),
        format_of(ANSWER)
        | {"reasoning": ReasoningEcho(effort="high"), "seed": 7, "service_tier": "flex"},
    ),
]

OPTIONS = [
    same("a temperature that is whole", temperature=0),
    same("a background stream", background=True, stream=True),
    same("a conversation", conversation="conv_1"),
    Accepted(
        "a conversation as an object, in place of input",
        without(saying(conversation={"id": "conv_1"}), "input"),
        {"conversation": "conv_1", "input": []},
    ),
    same("sixteen pairs of metadata", metadata={str(i): "x" * 512 for i in range(16)}),
    same("penalties", presence_penalty=-2, frequency_penalty=1.5),
    same("counts", max_tool_calls=1, top_logprobs=20, seed=-(10**18)),
    same("names", user="u", safety_identifier="s", prompt_cache_key="k", truncation="auto"),
    Accepted("16.0 tokens", saying(max_output_tokens=16.0), {"max_output_tokens": 16}),
    Accepted(
        "no input, but a history",
        without(saying(), "input") | {"previous_response_id": "resp_1"},
        {"input": []},
    ),
    Accepted("no items", saying(input=[]), {"input": []}),
    Accepted(
        "a hyphen",
        saying(prompt_cache_retention="in-memory"),
        {"prompt_cache_retention": "in_memory"},
    ),
    Accepted(
        "entries of include",
        saying(include=["x", None, 5, "message.output_text.logprobs"]),
        {"include": ["message.output_text.logprobs"]},
    ),
    Accepted(
        "no obfuscation",
        saying(stream=True, stream_options={"include_obfuscation": False}),
        {"include_obfuscation": False},
    ),
    Accepted("stream options of null", saying(stream_options=None), {"include_obfuscation": True}),
    Accepted(
        "a summary by its old name",
        saying(reasoning={"generate_summary": "concise", "mode": "pro"}),
        {"reasoning": ReasoningEcho(summary="concise")},
    ),
    Accepted("text without anything", saying(text={}), format_of({"type": "text"})),
    Accepted(
        "text of nulls",
        saying(text={"format": None, "verbosity": None}),
        format_of({"type": "text"}),
    ),
    Accepted(
        "any JSON",
        saying(text={"format": {"type": "json_object", "more": 1}}),
        format_of({"type": "json_object"}),
    ),
    Accepted(
        "a flat schema beside a nested one",
        saying(
            text={
                "format": {
                    "type": "json_schema",
                    "name": "answer",
                    "strict": None,
                    "json_schema": {"name": "x", "schema": WEATHER},
                }
            }
        ),
        format_of(ANSWER),
    ),
    Accepted(
        "compaction",
        saying(
            context_management=[
                {"type": "compaction", "compact_threshold": 5000},
                {"type": "compaction", "compact_threshold": 1000, "more": 1},
            ]
        ),
        {"compact_threshold": 1000},
    ),
    Accepted(
        "compaction where we see fit",
        saying(context_management=[{"type": "compaction", "compact_threshold": None}]),
        {"compact_threshold": 100_000},
    ),
    Accepted(
        "keys unknown, and known but idle",
        saying(moderation={"a": 1}, image=None, **{"x-new": 1, "bad\nname": 1, "é": 1}),
        {"ignored_parameters": ["moderation", "x-new", "bad\nname", "é"]},
    ),
    Accepted(
        "very many unknown keys",
        saying(**{f"k{i}": 1 for i in range(40)}),
        {"ignored_parameters": [f"k{i}" for i in range(32)]},
    ),
]

FORMS = [*DIALECTS, *OPTIONS]
