"""Tool calls of the scripted upstream, in all the manners in which servers stream them."""

from typing import Any

from openai import OpenAI

from tests.upstreams.asking import HELLO, TIME, WEATHER, asked_json, deltas, streamed
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import call, calls, custom_call, text

type JSON = Any


def test_parallel_calls_arrive_in_the_client_s_stream_helper(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    weather = call("get_weather", '{"city":"Par', 'is","unit":"celsius","days":[1]}', id="call_w")
    upstream.on("m", text("Let me look. ") + calls(weather, call("get_time", "{}", id="call_t")))

    with client.chat.completions.stream(model="m", messages=HELLO, tools=[WEATHER, TIME]) as stream:
        message = stream.get_final_completion().choices[0].message

    assert message.content == "Let me look. "
    assert [made.id for made in message.tool_calls or []] == ["call_w", "call_t"]
    assert (message.tool_calls or [])[0].function.arguments.startswith('{"city":"Paris"')


def tool_deltas(client: OpenAI) -> list[JSON]:
    return [part for delta in deltas(streamed(client)) for part in delta["tool_calls"]]


A = call("f", "1", "2", id="a")


B = call("g", "3", "4", id="b")


def test_interleaved_calls_take_turns(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", calls(A, B, interleaved=True))

    assert [part["index"] for part in tool_deltas(client)] == [0, 1, 0, 1, 0, 1]


def test_a_whole_call_comes_in_one_chunk(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", calls(A, B, whole="each"), calls(A, B, whole="all"))

    each, every = streamed(client), streamed(client)

    assert [len(delta["tool_calls"]) for delta in deltas(each)] == [1, 1]
    assert [len(delta["tool_calls"]) for delta in deltas(every)] == [2]
    assert deltas(every)[0]["tool_calls"][1]["function"] == {"name": "g", "arguments": "34"}


def test_the_index_may_be_missing_and_the_id_repeated(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    upstream.on("m", calls(A, indexed=False, repeated=("id", "name")))

    parts = tool_deltas(client)

    assert not any("index" in part for part in parts)
    assert [part["id"] for part in parts] == ["a", "a", "a"]
    assert [part["function"]["name"] for part in parts] == ["f", "f", "f"]


def test_ids_may_be_empty_or_doubled_and_arguments_absent(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    upstream.on("m", calls(call("f", id=""), call("f", "{}", id="x"), call("f", "{}", id="x")))

    made = asked_json(client)["choices"][0]["message"]["tool_calls"]

    assert [one["id"] for one in made] == ["", "x", "x"]
    assert made[0]["function"]["arguments"] == ""


def test_calls_without_an_id_get_a_new_one_in_each_reply(
    upstream: ChatUpstream, client: OpenAI
) -> None:
    upstream.on("m", calls(call("f", "{}")))

    first, second = tool_deltas(client)[0]["id"], tool_deltas(client)[0]["id"]

    assert first.startswith("call_")
    assert first != second


def test_custom_tools_are_called_with_their_input(upstream: ChatUpstream, client: OpenAI) -> None:
    upstream.on("m", calls(custom_call("shell", "ls ", "-l", id="c")))

    made = asked_json(client)["choices"][0]["message"]["tool_calls"][0]

    assert made == {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
