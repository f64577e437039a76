"""The scripted upstream, seen by the official client."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.upstreams.asking import HELLO, asked_json, deltas, finish_of, streamed
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import (
    FinishReason,
    HttpReply,
    ReasoningField,
    Reply,
    RolePlace,
    Usage,
    UsagePlace,
    failure,
    html,
    raw,
    refusal,
    text,
    thinking,
)
from tests.upstreams.chat_troubles import ErrorFrame, Rubbish

type JSON = Any


def test_one_script_answers_as_json_and_as_a_stream(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("Hel", "lo", "!"))

    as_json = client.chat.completions.create(model="m", messages=HELLO)
    as_stream = streamed(client)

    assert as_json.choices[0].message.content == "Hello!"
    assert as_json.choices[0].finish_reason == "stop"
    assert deltas(as_stream) == [{"content": "Hel"}, {"content": "lo"}, {"content": "!"}]
    assert finish_of(as_stream) == "stop"
    assert len({chunk.id for chunk in as_stream}) == 1


def test_each_request_takes_the_next_reply_and_the_last_one_repeats(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    upstream.on("m", text("one"), text("two"))

    said = [asked_json(client)["choices"][0]["message"]["content"] for _ in range(3)]
    upstream.on("m", text("three"), text("four"))
    said += [asked_json(client)["choices"][0]["message"]["content"] for _ in range(3)]

    assert said == ["one", "two", "two", "three", "four", "four"]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_text_has_the_field_that_was_asked_for(
    upstream: ChatUpstream, client: OpenAI, name: ReasoningField
) -> None:
    upstream.on("m", thinking("Hm", "m", field=name) + text("42"))

    assert deltas(streamed(client)) == [{name: "Hm"}, {name: "m"}, {"content": "42"}]
    assert asked_json(client)["choices"][0]["message"][name] == "Hmm"
    assert asked_json(client)["usage"]["completion_tokens_details"]["reasoning_tokens"] == 2


def test_a_refusal_is_no_content(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", refusal("I can", "not."))

    assert deltas(streamed(client)) == [{"refusal": "I can"}, {"refusal": "not."}]
    message = asked_json(client)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I cannot.")


def test_log_probabilities_come_when_asked_for(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("né", "e"))

    chunks = streamed(client, logprobs=True, top_logprobs=2)
    told = [c.choices[0].logprobs for c in chunks if c.choices and c.choices[0].logprobs]

    assert [entry.content[0].token for entry in told if entry.content] == ["né", "e"]
    assert told[0].content is not None
    assert len(told[0].content[0].top_logprobs) == 2
    assert told[0].content[0].bytes == list("né".encode())
    assert "logprobs" not in (asked_json(client)["choices"][0]["logprobs"] or {})


def test_usage_tells_cached_and_reasoning_tokens(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("x").costing(Usage(100, 20, cached=64, reasoning=16)))

    usage = asked_json(client)["usage"]

    assert usage["total_tokens"] == 120
    assert usage["prompt_tokens_details"]["cached_tokens"] == 64
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 16


@pytest.mark.parametrize(
    ("place", "include", "where"),
    [
        ("end", True, [False, False, False, True]),
        ("end", False, [False, False, False]),
        ("finish", True, [False, False, True]),
        ("finish", False, [False, False, True]),
        ("every", False, [True, True, True]),
        ("missing", True, [False, False, False]),
    ],
)
def test_usage_stands_where_it_was_put(
    upstream: ChatUpstream, client: OpenAI, place: UsagePlace, include: bool, where: list[bool]
) -> None:
    upstream.on("m", text("x").costing(place=place))

    chunks = streamed(client, stream_options={"include_usage": include})

    assert [chunk.usage is not None for chunk in chunks] == where


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", None])
def test_the_finish_reason_is_the_scripted_one(
    upstream: ChatUpstream, client: OpenAI, reason: FinishReason | None
) -> None:
    upstream.on("m", text("x").ending(reason))

    assert finish_of(streamed(client)) == reason
    assert asked_json(client)["choices"][0]["finish_reason"] == reason


def test_several_choices_say_the_same(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("x"))

    assert [choice["index"] for choice in asked_json(client, n=2)["choices"]] == [0, 1]
    assert deltas(streamed(client, n=2))[1:] == [{"content": "x"}, {"content": "x"}]


@pytest.mark.parametrize("role", ["first", "every", "missing"])
def test_the_role_is_told_once_always_or_never(
    upstream: ChatUpstream, client: OpenAI, role: RolePlace
) -> None:
    upstream.on("m", text("x", "y").told_as(role))

    told = [bool(c.choices[0].delta.role) for c in streamed(client)]

    expected = {"first": [1, 0, 0, 0], "every": [1, 1, 1, 0], "missing": [0, 0, 0]}
    assert told == [bool(each) for each in expected[role]]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (failure(400, code="context_length_exceeded"), openai.BadRequestError),
        (failure(401, code="invalid_api_key"), openai.AuthenticationError),
        (failure(429, headers={"Retry-After": "7"}), openai.RateLimitError),
        (failure(503, kind="server_error"), openai.InternalServerError),
        (html(502), openai.InternalServerError),
        (raw(500), openai.InternalServerError),
        (raw(529, {"detail": ["overloaded"]}), openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_http_errors_of_any_shape_reach_the_client(
    upstream: ChatUpstream, client: OpenAI, reply: HttpReply, error: type[Exception], stream: bool
) -> None:
    upstream.on("m", reply)

    with pytest.raises(error) as caught:
        client.chat.completions.create(model="m", messages=HELLO, stream=stream)

    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.status_code == reply.status
    assert caught.value.response.headers.get("retry-after", "7") == "7"
    assert caught.value.response.content == reply.body


def test_an_error_object_midway_ends_the_stream(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("a", "b").troubled(ErrorFrame(1)))
    stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)

    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "a"]
    with pytest.raises(openai.APIError, match="The server had an error"):
        next(stream)


def test_rubbish_midway_is_no_json(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", text("a", "b").troubled(Rubbish(1)))

    with pytest.raises(json.JSONDecodeError):
        streamed(client)


def test_a_server_may_answer_in_json_though_a_stream_was_asked(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    upstream.on("m", text("whole").served(streams=False))

    with client.chat.completions.with_streaming_response.create(
        model="m", messages=HELLO, stream=True
    ) as response:
        told = json.loads(response.read())

    assert response.headers["content-type"] == "application/json"
    assert told["object"] == "chat.completion"


def test_the_models_are_the_known_and_the_scripted_ones() -> None:
    with (
        ChatUpstream(known_models=["a/b"]) as upstream,
        OpenAI(base_url=upstream.base_url, api_key="any") as client,
    ):
        upstream.on("scripted", Reply())

        assert [model.id for model in client.models.list()] == ["a/b", "scripted"]
        assert client.models.retrieve("a/b").object == "model"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("c")


def test_requests_are_recorded_with_their_model(upstream: ChatUpstream, client: OpenAI) -> None:
    asked_json(client)
    asked_json(client, model="n")

    recorded = upstream.requests_for("n")

    assert [request.model for request in upstream.requests] == ["m", "n"]
    assert (recorded[0].method, recorded[0].path) == ("POST", "/v1/chat/completions")
    assert recorded[0].headers["authorization"] == "Bearer any"
    assert recorded[0].body["messages"] == HELLO
    upstream.forget()
    assert upstream.requests == []


def test_a_fault_of_the_upstream_itself_fails_the_test() -> None:
    half_a_character = text("\ud83d")

    with pytest.raises(ExceptionGroup, match="the upstream itself failed"):
        ask_once_and_leave(half_a_character)


def ask_once_and_leave(reply: Reply) -> None:
    with (
        ChatUpstream() as upstream,
        OpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as client,
    ):
        upstream.on("m", reply)
        with pytest.raises(openai.APIConnectionError):
            asked_json(client)
