"""What OpenAI says is relayed: nothing lost, the ids ours, streamed and whole alike."""

from typing import Any

from openai import AsyncOpenAI

from tests.contract.openai.door import MODEL, Door
from tests.upstreams.framing import Framing
from tests.upstreams.responses import ResponsesUpstream
from tests.upstreams.responses_script import (
    Answer,
    called,
    called_custom,
    declined,
    said,
    searched,
    thought,
)

type JSON = Any

GPT = "gpt-5"
WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SHELL = {"type": "custom", "name": "shell"}
NOTES = {"type": "namespace", "name": "notes", "description": "Notes", "tools": [WEATHER]}
CITATION = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 3,
    "url": "https://example.com",
    "title": "An example",
}


def kinds(events: list[JSON]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


async def test_text_is_relayed(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, said("Hel", "lo"))

    for response in await door.both():
        assert response["status"] == "completed"
        assert response["output_text"] == "Hello"
        assert response["model"] == MODEL


async def test_the_order_of_events_is_openais(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, said("Hel", "lo"))

    told = await door.events()

    assert kinds(told) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


async def test_what_came_whole_is_recorded_as_if_it_had_come_in_pieces(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(
        GPT,
        thought(("First.",), ("Then.",))
        + said("Hello", annotations=(CITATION,))
        + called("get_weather", '{"city":"Oslo"}'),
    )

    streamed, whole = await door.both(tools=[WEATHER])

    assert kinds(await door.recorded(whole["id"])) == kinds(await door.recorded(streamed["id"]))


async def test_characters_cut_between_chunks_arrive_whole(
    door: Door, upstream: ResponsesUpstream
) -> None:
    framing = Framing(named=True, split_characters=True)
    upstream.on(GPT, said("Grüß", " dich 👋🏽", " 東京").framed(framing))

    for response in await door.both():
        assert response["output_text"] == "Grüß dich 👋🏽 東京"


async def test_parallel_calls_are_items_of_their_own(
    door: Door, upstream: ResponsesUpstream
) -> None:
    oslo = called("get_weather", '{"city"', ':"Oslo"}', call_id="call_1")
    upstream.on(GPT, oslo + called("get_weather", '{"city":"Rome"}', call_id="call_2"))

    for response in await door.both(tools=[WEATHER]):
        first, second = response["output"]
        assert (first["call_id"], first["arguments"]) == ("call_1", '{"city":"Oslo"}')
        assert (second["call_id"], second["arguments"]) == ("call_2", '{"city":"Rome"}')


async def test_empty_arguments_have_their_delta(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, called("get_weather", "{}"))

    told = await door.events(tools=[WEATHER])

    assert kinds(told).count("function_call_arguments.delta") == 1
    done = next(e for e in told if e["type"] == "response.function_call_arguments.done")
    assert (done["name"], done["arguments"]) == ("get_weather", "{}")


async def test_a_call_in_a_namespace_keeps_it(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, called("get_weather", "{}", namespace="notes"))

    for response in await door.both(tools=[NOTES]):
        assert response["output"][0]["namespace"] == "notes"


async def test_custom_input_streams_as_it_comes(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, called_custom("shell", "ls", " -l", call_id="call_1"))

    told = await door.events(tools=[SHELL])
    deltas = [e["delta"] for e in told if e["type"].endswith("input.delta")]

    assert deltas == ["ls", " -l"]
    assert told[-1]["response"]["output"][0]["input"] == "ls -l"


async def test_every_part_of_a_summary_is_relayed(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, thought(("Fir", "st."), ("Second.",)) + said("Done"))

    for response in await door.both():
        summary = [part["text"] for part in response["output"][0]["summary"]]
        assert summary == ["First.", "Second."]
        assert "status" not in response["output"][0]


async def test_thinking_without_a_summary_is_an_item(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, thought() + said("Done"))

    for response in await door.both():
        assert [item["type"] for item in response["output"]] == ["reasoning", "message"]
        assert response["output"][0]["summary"] == []


async def test_a_refusal_is_relayed(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, declined("I will", " not."))

    for response in await door.both():
        assert response["status"] == "completed"
        assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "I will not."}]


async def test_phases_and_citations_are_kept(door: Door, upstream: ResponsesUpstream) -> None:
    commentary = said("Let me see.", phase="commentary")
    upstream.on(
        GPT, commentary + said("Yes", "!", phase="final_answer", annotations=(CITATION, CITATION))
    )

    for response in await door.both():
        first, second = response["output"]
        assert (first["phase"], second["phase"]) == ("commentary", "final_answer")
        assert second["content"][0]["annotations"] == [CITATION, CITATION]


async def test_logprobs_are_kept(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, said("Hel", "lo"))

    for response in await door.both(include=["message.output_text.logprobs"], top_logprobs=2):
        tokens = [each["token"] for each in response["output"][0]["content"][0]["logprobs"]]
        assert tokens == ["Hel", "lo"]


async def test_items_of_hosted_tools_are_relayed_when_they_appear(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, searched("weather") + said("Sun", annotations=(CITATION,)))

    told = await door.events()

    assert kinds(told)[2:7] == [
        "output_item.added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "output_item.done",
    ]
    assert told[2]["item"]["id"].startswith("ws_")


async def test_no_id_of_openais_is_shown(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, thought(("Hm.",)) + said("Hello") + called("get_weather", "{}"))

    for response in await door.both(tools=[WEATHER]):
        prefixes = [item["id"].partition("_")[0] for item in response["output"]]
        assert prefixes == ["rs", "msg", "fc"]
        assert all(len(item["id"].partition("_")[2]) == 32 for item in response["output"])


async def test_keepalives_and_unknown_events_are_dropped(
    door: Door, upstream: ResponsesUpstream
) -> None:
    keepalive = {"type": "keepalive"}
    news = {"type": "response.horoscope.added", "output_index": 0, "item_id": "msg_1"}
    upstream.on(GPT, said("Hel", "lo").telling(keepalive, news))

    told = await door.events()

    assert not {"keepalive", "response.horoscope.added"} & {event["type"] for event in told}
    assert told[-1]["response"]["output_text"] == "Hello"


async def test_padding_is_ours_and_only_on_demand(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, said("Hel", "lo"))

    padded = await door.events()
    plain = await door.events(stream_options={"include_obfuscation": False})

    assert sum("obfuscation" in event for event in padded) == 2
    assert not any("obfuscation" in event for event in plain)
    asked = upstream.requests[0].body
    assert asked["stream_options"] == {"include_obfuscation": False}


async def test_tokens_and_the_tier_that_was_used_are_told(
    door: Door, upstream: ResponsesUpstream
) -> None:
    answer = said("Hi").using(tier="priority", asked=61, said=48, cached=7, written=3, thought=19)
    upstream.on(GPT, answer)

    for response in await door.both(service_tier="auto"):
        assert response["service_tier"] == "priority"
        assert response["usage"] == {
            "input_tokens": 61,
            "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 3},
            "output_tokens": 48,
            "output_tokens_details": {"reasoning_tokens": 19},
            "total_tokens": 109,
        }


async def test_openais_client_reads_it_all(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, everything())

    async with door.client.responses.stream(model=MODEL, input="Hi", tools=[WEATHER]) as stream:
        final = await stream.get_final_response()

    assert final.output_text == "Hello"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]


def everything() -> Answer:
    return thought(("Hm.",)) + said("Hel", "lo") + called("get_weather", "{", "}")


async def test_a_client_that_wants_pydantic_models_gets_them(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, everything())
    client: AsyncOpenAI = door.client

    response = await client.responses.create(model=MODEL, input="Hi")

    assert response.output_text == "Hello"
