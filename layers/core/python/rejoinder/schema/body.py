"""The body of `POST /v1/responses`, field by field. Contract §1.2 and §1.9."""

from collections.abc import Mapping
from typing import Annotated, Literal, Required, TypedDict

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, PlainValidator, TypeAdapter

from rejoinder.schema.choice import IN_CHOICE, read_choice
from rejoinder.schema.ids import is_response_id
from rejoinder.schema.ignored import Form
from rejoinder.schema.input import AnyItem
from rejoinder.schema.items import JSON
from rejoinder.schema.options import (
    IN_MANAGEMENT,
    IN_REASONING,
    IN_STREAM_OPTIONS,
    IN_TEXT,
    ContextManagement,
    Include,
    Reasoning,
    StreamOptions,
    Text,
)
from rejoinder.schema.reading import (
    MAX_TEXT,
    TextOr,
    decimal,
    missing,
    refusal,
    shown,
    whole,
    wrong_type,
    wrong_value,
)
from rejoinder.schema.toolbox import IN_TOOL, AnyTool

MIN_OUTPUT_TOKENS = 16
MAX_MODEL = 256  # characters
MAX_PAIRS, MAX_KEY = 16, 64  # of metadata; the second in characters

# Keys of Chat Completions, and stored prompts → what to do instead.
UNSUPPORTED_KEYS: Mapping[str, str] = {
    "messages": "Send 'input' instead.",
    "max_tokens": "Send 'max_output_tokens' instead.",
    "max_completion_tokens": "Send 'max_output_tokens' instead.",
    "response_format": "Send 'text.format' instead.",
    "reasoning_effort": "Send 'reasoning.effort' instead.",
    "functions": "Send 'tools' instead.",
    "function_call": "Send 'tool_choice' instead.",
    "n": "A request gives one response; send it again for another.",
    "stop": "There are no stop sequences here; leave it out.",
    "logit_bias": "There is no equivalent here; leave it out.",
    "prompt": "Stored prompts are not offered here; send 'instructions' and 'input' instead.",
}


def _model(name: str) -> str:
    if not name:
        raise missing("is required and must not be empty.")
    if name.rpartition("/")[2].startswith(("o3-deep-research", "o4-mini-deep-research")):
        say = f"{shown(name)} is not offered here: deep research needs hosted tools."
        raise refusal("unsupported_value", say)
    return name


def _response_id(text: str) -> str:
    if not is_response_id(text):
        raise wrong_value("the id of a response, 'resp_…'", text)
    return text


def _conversation(value: JSON) -> str:
    wanted = "the id of a conversation, 'conv_…'"
    at, name = ("id", value.get("id")) if isinstance(value, dict) else ("", value)
    if at and name is None:
        raise missing(f"is required: {wanted}.", at=at)
    if not isinstance(name, str):
        wanted = wanted if at else "the id of a conversation, or an object with it"
        raise wrong_type(wanted, name, at=at)
    if not name:
        raise wrong_value(wanted, name, at=at)
    return name


def _retention(value: JSON) -> JSON:
    """The API's reference has an underscore, its SDKs once had a hyphen."""
    return "in_memory" if value == "in-memory" else value


def _few(pairs: JSON) -> JSON:
    """Counted before they are looked at: each wrong pair would cost an error of its own."""
    if isinstance(pairs, dict) and len(pairs) > MAX_PAIRS:
        say = f"may have at most {MAX_PAIRS} keys; got {len(pairs)}."
        raise refusal("object_above_max_properties", say)
    return pairs


def _key(key: str) -> str:
    """Its own words: it stands where else a value does."""
    if len(key) > MAX_KEY:
        say = f"is too long a key: it may have at most {MAX_KEY} characters; got {len(key)}."
        raise refusal("string_above_max_length", say)
    return key


_Short = Annotated[str, Field(max_length=64)]
_Pairs = dict[Annotated[str, AfterValidator(_key)], Annotated[str, Field(max_length=512)]]
Metadata = Annotated[_Pairs, BeforeValidator(_few)]


class Body(TypedDict, total=False):
    """The fields that we read; nulls are taken out before."""

    model: Required[Annotated[str, Field(max_length=MAX_MODEL), AfterValidator(_model)]]
    input: Annotated[JSON, TextOr(AnyItem)]
    instructions: Annotated[str, Field(max_length=MAX_TEXT)]
    previous_response_id: Annotated[str, AfterValidator(_response_id)]
    conversation: Annotated[JSON, PlainValidator(_conversation)]
    include: Include
    tools: Annotated[list[AnyTool], FailFast()]
    tool_choice: Annotated[JSON, PlainValidator(read_choice)]
    parallel_tool_calls: bool
    max_tool_calls: Annotated[int, PlainValidator(whole(1))]
    max_output_tokens: Annotated[int, PlainValidator(whole(MIN_OUTPUT_TOKENS))]
    temperature: Annotated[float, PlainValidator(decimal(0, 2))]
    top_p: Annotated[float, PlainValidator(decimal(0, 1))]
    presence_penalty: Annotated[float, PlainValidator(decimal(-2, 2))]
    frequency_penalty: Annotated[float, PlainValidator(decimal(-2, 2))]
    top_logprobs: Annotated[int, PlainValidator(whole(0, 20))]
    text: Text
    reasoning: Reasoning
    stream: bool
    stream_options: StreamOptions
    store: bool
    background: bool
    metadata: Metadata
    truncation: Literal["auto", "disabled"]
    context_management: ContextManagement
    user: str
    safety_identifier: _Short
    prompt_cache_key: _Short
    prompt_cache_retention: Annotated[Literal["in_memory", "24h"], BeforeValidator(_retention)]
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]
    seed: Annotated[int, PlainValidator(whole())]


BODY = TypeAdapter(Body)

# What may stand inside the fields that have a form of ours; other keys are named.
INSIDE: Mapping[str, Form] = {
    "text": IN_TEXT,
    "reasoning": IN_REASONING,
    "stream_options": IN_STREAM_OPTIONS,
    "context_management": IN_MANAGEMENT,
    "tools": IN_TOOL,
    "tool_choice": IN_CHOICE,
}
