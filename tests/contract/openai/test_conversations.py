"""Several turns: OpenAI gets its own thinking back, byte for byte, and nobody else's."""

from typing import Any, Literal

import pytest

from tests.contract.openai.door import MODEL, Door
from tests.upstreams.responses import ResponsesUpstream
from tests.upstreams.responses_script import Answer, called, called_custom, said, searched, thought

type JSON = Any

GPT = "gpt-5"
TOOLS: JSON = [
    {"type": "function", "name": "get_weather"},
    {"type": "custom", "name": "shell"},
]
ENCRYPTED: Literal["reasoning.encrypted_content"] = "reasoning.encrypted_content"


def calling() -> Answer:
    return (
        thought(("Two", " calls."), ("Now.",))
        + called("get_weather", "{}", call_id="call_1")
        + called_custom("shell", "ls", call_id="call_2")
    )


RESULTS: list[JSON] = [
    {"type": "function_call_output", "call_id": "call_1", "output": "Sun"},
    {"type": "custom_tool_call_output", "call_id": "call_2", "output": "file.txt"},
]


def sent(upstream: ResponsesUpstream, which: int = -1) -> list[JSON]:
    items: list[JSON] = upstream.requests[which].body["input"]
    return items


def types(items: list[JSON]) -> list[str]:
    return [item["type"] for item in items]


WHOLE = [
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "function_call_output",
    "custom_tool_call_output",
]


@pytest.mark.parametrize("streams", [False, True])
async def test_a_stored_tool_loop_takes_its_thinking_along(
    door: Door, upstream: ResponsesUpstream, streams: bool
) -> None:
    upstream.on(GPT, calling(), said("Done"))
    first = (await door.events(tools=TOOLS))[-1]["response"] if streams else None
    if first is None:
        made = await door.client.responses.create(model=MODEL, input="Hi", tools=TOOLS)
        first = made.model_dump(exclude_unset=True)

    again = await door.events(RESULTS, previous_response_id=first["id"], tools=TOOLS)

    assert again[-1]["response"]["output_text"] == "Done"
    assert types(sent(upstream)) == WHOLE
    assert "encrypted_content" not in first["output"][0]
    thinking = sent(upstream)[1]
    assert upstream.locksmith.fits(thinking["id"], thinking["encrypted_content"])
    assert [part["text"] for part in thinking["summary"]] == ["Two calls.", "Now."]


@pytest.mark.parametrize("streams", [False, True])
async def test_a_client_that_keeps_its_own_state_gets_sealed_thinking(
    door: Door, upstream: ResponsesUpstream, streams: bool
) -> None:
    upstream.on(GPT, calling(), said("Done"))
    first = await _asked(door, "Hi", streams=streams, store=False, tools=TOOLS)
    history = [{"role": "user", "content": "Hi"}, *first["output"], *RESULTS]

    again = await _asked(door, history, streams=streams, store=False, tools=TOOLS)

    assert again["output_text"] == "Done"
    assert first["output"][0]["encrypted_content"].startswith("gw1.")
    assert types(sent(upstream)) == WHOLE


async def _asked(door: Door, prompt: JSON, *, streams: bool, **fields: JSON) -> JSON:
    if streams:
        return (await door.events(prompt, **fields))[-1]["response"]
    body = {"model": MODEL, "input": prompt} | fields
    return (await door.http.post("/responses", json=body)).json()


async def test_items_may_be_referred_to(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, calling(), said("Done"))
    first = await _asked(door, "Hi", streams=True, tools=TOOLS)
    references = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]

    await door.events([{"role": "user", "content": "Hi"}, *references, *RESULTS], tools=TOOLS)

    assert types(sent(upstream)) == WHOLE


async def test_sealed_thinking_that_was_altered_is_refused(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, calling())
    first = await _asked(door, "Hi", streams=True, store=False, tools=TOOLS)
    thinking = first["output"][0]
    sealed = thinking["encrypted_content"]
    altered = thinking | {"encrypted_content": sealed[:60] + "AAAA" + sealed[64:]}

    status, error = await door.refused([altered, *first["output"][1:], *RESULTS], tools=TOOLS)

    assert (status, error["param"]) == (400, "input")
    assert len(upstream.requests) == 1


async def test_thinking_of_others_is_left_out(door: Door, upstream: ResponsesUpstream) -> None:
    foreign = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAAx"}
    silent = {"type": "reasoning", "id": "rs_2", "summary": []}

    await door.events([foreign, silent, {"role": "user", "content": "Hi"}])

    assert types(sent(upstream)) == ["message"]


async def test_thinking_that_is_not_known_any_more_is_left_out(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, calling(), said("Done"))
    first = await _asked(door, "Hi", streams=True, tools=TOOLS)
    upstream.locksmith.rekey()

    again = await door.events(RESULTS, previous_response_id=first["id"], tools=TOOLS)

    assert again[-1]["response"]["output_text"] == "Done"
    assert "reasoning" in types(sent(upstream, 1))
    assert "reasoning" not in types(sent(upstream, 2))


async def test_thinking_that_led_to_nothing_is_left_out(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, thought(("Hm",)).cut_by("max_output_tokens"), said("Done"))
    first = await _asked(door, "Hi", streams=True)

    await door.events("Go on", previous_response_id=first["id"])

    assert first["status"] == "incomplete"
    assert types(sent(upstream)) == ["message", "message"]


async def test_receipts_of_hosted_tools_stay_here(door: Door, upstream: ResponsesUpstream) -> None:
    upstream.on(GPT, searched("weather") + said("Sun", phase="final_answer"), said("Done"))
    first = await _asked(door, "Hi", streams=True)

    await door.events("And tomorrow?", previous_response_id=first["id"])

    assert types(sent(upstream)) == ["message"] * 3
    assert sent(upstream)[1] == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Sun"}],
        "phase": "final_answer",
    }


async def test_sealed_thinking_is_shown_only_to_who_asks(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, calling())

    hidden = await _asked(door, "Hi", streams=True, tools=TOOLS)
    shown = await _asked(door, "Hi", streams=True, tools=TOOLS, include=[ENCRYPTED])
    later = await door.client.responses.retrieve(hidden["id"], include=[ENCRYPTED])

    assert "encrypted_content" not in hidden["output"][0]
    assert shown["output"][0]["encrypted_content"].startswith("gw1.")
    assert later.model_dump(exclude_unset=True)["output"][0]["encrypted_content"].startswith("gw1.")


async def test_the_stored_object_is_what_the_events_told(
    door: Door, upstream: ResponsesUpstream
) -> None:
    upstream.on(GPT, calling())
    told = await door.events(tools=TOOLS)
    final = told[-1]["response"]

    stored = (await door.http.get(f"/responses/{final['id']}")).json()

    assert stored == final
    assert await door.recorded(final["id"]) == told
