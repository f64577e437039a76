"""The scripted Messages API, seen by the official client."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import Anthropic

from tests.upstreams.anthropic import AnthropicUpstream, failed
from tests.upstreams.anthropic_events import REDACTED
from tests.upstreams.anthropic_request import BINDING_BETA
from tests.upstreams.anthropic_steps import failing
from tests.upstreams.chat_replies import Usage, call, calls, refusal, text, thinking

type JSON = Any

pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")

HELLO: JSON = [{"role": "user", "content": "Hello there, model."}]
TOOL: JSON = {"name": "get_time", "input_schema": {"type": "object"}}
THINKING: JSON = {"type": "enabled", "budget_tokens": 1024}
SONNET, OPUS, BOUND = "claude-sonnet-4-5", "claude-opus-4-7", "claude-opus-5-5"
SCHEMA: JSON = {"type": "object", "properties": {"n": {"type": "integer"}}}
CLOSED: JSON = SCHEMA | {"additionalProperties": False}


@pytest.fixture
def messages_api() -> Iterator[AnthropicUpstream]:
    with AnthropicUpstream(api_key="sk-ant-1") as upstream:
        yield upstream


@pytest.fixture
def claude(messages_api: AnthropicUpstream) -> Iterator[Anthropic]:
    root = messages_api.base_url.removesuffix("/v1")
    with Anthropic(base_url=root, api_key="sk-ant-1", max_retries=0) as client:
        yield client


def asked(client: Anthropic, **more: JSON) -> anthropic.types.Message:
    headers = more.pop("extra_headers", {})
    return client.messages.create(
        model=SONNET, max_tokens=2048, messages=HELLO, extra_body=more, extra_headers=headers
    )


def test_one_script_answers_as_json_and_as_a_stream(
    messages_api: AnthropicUpstream, claude: Anthropic
) -> None:
    said = thinking("Hm", "m.") + thinking(REDACTED) + text("Hel", "lo")
    messages_api.on(SONNET, said + calls(call("get_time", '{"at":', "1}", id="toolu_1")))
    body: JSON = {"model": SONNET, "max_tokens": 2048, "messages": HELLO, "tools": [TOOL]}

    whole = asked(claude, tools=[TOOL])
    with claude.messages.stream(**body) as stream:
        streamed = stream.get_final_message()

    assert [block.type for block in whole.content] == [
        "thinking", "redacted_thinking", "text", "tool_use",
    ]  # fmt: skip
    one, other = (
        m.model_dump(exclude={"id", "usage"}, exclude_unset=True) for m in (whole, streamed)
    )
    assert {k: v for k, v in one.items() if k != "content"} == {
        k: v for k, v in other.items() if k != "content"
    }
    assert [block["type"] for block in one["content"]] == [b["type"] for b in other["content"]]
    assert whole.content[2].model_dump()["text"] == "Hello"
    assert whole.content[3].model_dump()["input"] == {"at": 1}
    assert whole.stop_reason == streamed.stop_reason == "tool_use"


def test_a_refusal_has_details(messages_api: AnthropicUpstream, claude: Anthropic) -> None:
    messages_api.on(SONNET, refusal("No."))

    message = asked(claude)

    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation == "No."


def test_usage_is_the_scripted_one_with_the_cached_apart(
    messages_api: AnthropicUpstream, claude: Anthropic
) -> None:
    messages_api.on(SONNET, text("x").costing(Usage(100, 20, cached=64, reasoning=16)))

    usage = asked(claude).usage

    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (36, 64, 20)
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 16


def test_a_marked_beginning_is_read_from_the_cache_the_next_time(claude: Anthropic) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "Long rules. " * 50, **mark}]

    first = asked(claude, system=system).usage
    second = asked(claude, system=system, messages=[{"role": "user", "content": "Else."}]).usage
    other = asked(claude, system=[system[0] | {"text": "Rules. " * 50}]).usage

    assert first.cache_creation_input_tokens
    assert (first.cache_read_input_tokens, other.cache_read_input_tokens) == (0, 0)
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (529, "overloaded_error", anthropic.InternalServerError),
    ],
)
def test_errors_have_the_vendors_shape(
    messages_api: AnthropicUpstream,
    claude: Anthropic,
    status: int,
    kind: str,
    error: type[anthropic.APIStatusError],
) -> None:
    messages_api.on(SONNET, failed(status, kind, "No."))

    with pytest.raises(error) as caught:
        asked(claude)

    assert caught.value.status_code == status
    assert caught.value.body["error"] == {"type": kind, "message": "No."}  # type: ignore[index]


def test_an_error_event_ends_the_stream(messages_api: AnthropicUpstream, claude: Anthropic) -> None:
    messages_api.on(SONNET, text("a", "b").troubled(failing("overloaded_error", 1)))

    with (
        pytest.raises(anthropic.APIStatusError),
        claude.messages.stream(model=SONNET, max_tokens=9, messages=HELLO) as stream,
    ):
        list(stream)


def test_the_models_come_by_the_page(messages_api: AnthropicUpstream, claude: Anthropic) -> None:
    names = [f"claude-opus-4-{number}" for number in range(25)]
    for name in names:
        messages_api.on(name, text("x"))

    assert [model.id for model in claude.models.list(limit=1000)] == names
    assert len(claude.models.list().data) == 20


def test_requests_without_their_headers_are_refused(messages_api: AnthropicUpstream) -> None:
    url, body = f"{messages_api.base_url}/messages", {"model": SONNET}

    refusals = [
        httpx.post(url, json=body),
        httpx.post(url, json=body, headers={"x-api-key": "wrong"}),
        httpx.post(url, json=body, headers={"x-api-key": "sk-ant-1"}),
        httpx.post(url, json=body, headers={"x-api-key": "sk-ant-1", "anthropic-version": "1"}),
    ]

    assert [each.status_code for each in refusals] == [401, 401, 400, 400]


CALL: JSON = {"type": "tool_use", "id": "toolu_1", "name": "get_time", "input": {}}
RESULT: JSON = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Noon."}


def turns(*contents: JSON) -> JSON:
    """User and assistant in turns."""
    roles = ["user", "assistant"] * len(contents)
    return {"messages": [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]}


def mark(number: int) -> JSON:
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    return turns([block] * number)


def image(media_type: str) -> JSON:
    source = {"type": "base64", "media_type": media_type, "data": "aGk="}
    return {"type": "image", "source": source}


@pytest.mark.parametrize(
    ("more", "say"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 65_000}, "maximum allowed"),
        ({"seed": 7}, "seed: Extra inputs are not permitted"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "first message"),
        ({"messages": [*HELLO, *HELLO]}, "must alternate"),
        ({"messages": [{"role": "system", "content": "Hi"}]}, "role"),
        (turns(""), "non-empty"),
        (turns(" "), "non-whitespace"),
        (turns("a", "b "), "trailing whitespace"),
        (turns("a", "b") | {"model": OPUS}, "prefill"),
        (turns("a", [CALL], [RESULT]), "must define tools"),
        (turns("a", [CALL], "b") | {"tools": [TOOL]}, "without `tool_result`"),
        (turns("a", [CALL]) | {"tools": [TOOL]}, "without `tool_result`"),
        (turns([RESULT]) | {"tools": [TOOL]}, "unexpected `tool_use_id`"),
        (
            turns("a", [CALL], [{"type": "text", "text": "b"}, RESULT]) | {"tools": [TOOL]},
            "at the beginning",
        ),
        (turns("a", [CALL, CALL], [RESULT]) | {"tools": [TOOL]}, "unique"),
        (turns("a", [CALL | {"id": "a b"}], [RESULT]) | {"tools": [TOOL]}, "pattern"),
        ({"tools": [TOOL | {"name": "a.b"}]}, "pattern"),
        ({"tools": [TOOL, TOOL]}, "unique"),
        ({"tools": [{"name": "a", "input_schema": {}}]}, "'object'"),
        ({"tools": [TOOL | {"input_schema": SCHEMA | {"anyOf": []}}]}, "top level"),
        ({"tools": [TOOL | {"input_schema": SCHEMA, "strict": True}]}, "additionalProperties"),
        ({"tool_choice": {"type": "any"}}, "while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "b"}}, "not found"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "any"}, "thinking": THINKING},
            "forces tool use",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "any"}, "model": BOUND}, "not supported"),
        ({"thinking": THINKING | {"budget_tokens": 1000}}, "greater than or equal to 1024"),
        ({"thinking": THINKING | {"budget_tokens": 2048}}, "must be greater than"),
        ({"thinking": THINKING, "model": OPUS}, "not supported"),
        ({"thinking": {"type": "disabled"}, "model": BOUND}, "not supported"),
        ({"thinking": {"type": "adaptive"}}, "not supported"),
        ({"output_config": {"effort": "low"}}, "effort"),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "set to false"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": CLOSED | {"not": {}}}}},
            "'not' is not supported",
        ),
        (mark(5), "maximum of 4"),
        ({"metadata": {"user_id": "me@example.org"}}, "email"),
        ({"service_tier": "flex"}, "service_tier"),
        (turns([image("image/bmp")]), "media_type"),
        (turns([{"type": "input_text", "text": "x"}]), "does not match any"),
        (
            turns("a", [{"type": "thinking", "thinking": "", "signature": "x"}]),
            "cannot be `thinking`",
        ),
    ],
)
def test_what_the_vendor_refuses_is_refused(claude: Anthropic, more: JSON, say: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=say):
        asked(claude, **more)


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.5, "thinking": THINKING},
        {"temperature": 0.5, "top_p": 0.5},
        {"temperature": 0.5, "model": OPUS},
        {"temperature": 1.5},
        {"thinking": THINKING} | turns("a", [CALL], [RESULT]) | {"tools": [TOOL]},
    ],
)
def test_sampling_and_thinking_are_held_apart(messages_api: AnthropicUpstream, more: JSON) -> None:
    body = {"model": SONNET, "max_tokens": 2048, "messages": HELLO} | more
    headers = {"x-api-key": "sk-ant-1", "anthropic-version": "2023-06-01"}

    answer = httpx.post(f"{messages_api.base_url}/messages", json=body, headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"thinking": "Hm?"},
        {"signature": "AAAA"},
        {"signature": ""},
    ],
)
def test_altered_thinking_is_refused(
    messages_api: AnthropicUpstream, claude: Anthropic, change: JSON
) -> None:
    messages_api.on(SONNET, thinking("Hm.") + calls(call("get_time", id="toolu_1")), text("x"))
    said = asked(claude, tools=[TOOL], thinking=THINKING)
    blocks = [block.model_dump(exclude_none=True) for block in said.content]
    more = {"tools": [TOOL], "thinking": THINKING}

    unaltered = asked(claude, **turns("Hello there, model.", blocks, [RESULT]), **more)
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        asked(
            claude,
            **turns("Hello there, model.", [blocks[0] | change, blocks[1]], [RESULT]),
            **more,
        )

    assert unaltered.content[0].model_dump()["text"] == "x"


def test_bound_thinking_minds_what_stood_before(
    messages_api: AnthropicUpstream, claude: Anthropic
) -> None:
    messages_api.on(BOUND, thinking("Hm.") + text("Yes."), text("x"))
    first = asked(claude, model=BOUND)
    blocks = [block.model_dump(exclude_none=True) for block in first.content]
    same = turns(HELLO[0]["content"], blocks, "And?")
    other = turns("Hi.", blocks, "And?")
    drop = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

    asked(claude, model=BOUND, **same)
    with pytest.raises(anthropic.BadRequestError, match="different conversation"):
        asked(claude, model=BOUND, **other)
    beta = {"anthropic-beta": BINDING_BETA}
    asked(claude, model=BOUND, thinking=drop, extra_headers=beta, **other)


def test_the_official_client_counts_tokens(claude: Anthropic) -> None:
    count = claude.messages.count_tokens

    short = count(model=SONNET, messages=HELLO)
    long = count(model=SONNET, messages=HELLO, system="Be brief.", tools=[TOOL], thinking=THINKING)

    assert 0 < short.input_tokens < long.input_tokens


@pytest.mark.parametrize("name", ["max_tokens", "stream", "temperature", "metadata"])
def test_a_count_takes_nothing_of_how_to_answer(claude: Anthropic, name: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match="Extra inputs"):
        claude.messages.count_tokens(model=SONNET, messages=HELLO, extra_body={name: 1})
