"""Loops with tools and thinking: what was signed goes back as it came, in its place."""

from typing import Any

import pytest

from tests.contract.anthropic.claude import BOUND, OPUS, SONNET, TIME, WEATHER, Claude, result
from tests.upstreams.anthropic_events import REDACTED
from tests.upstreams.chat_replies import Reply, call, calls, text, thinking

type JSON = Any

LOW: JSON = {"effort": "low", "summary": "auto"}
FIELDS: JSON = {"tools": [WEATHER, TIME], "reasoning": LOW, "instructions": "Be brief."}
MODELS = pytest.mark.parametrize("model", [SONNET, OPUS, BOUND])


def script(claude: Claude, model: str) -> None:
    """Two rounds of calls, one of them parallel, then words; twice."""
    rounds: list[Reply] = [
        thinking("I need ", "the weather.") + calls(call("get_weather", '{"city": "Bonn"}')),
        thinking(REDACTED) + text("And now:") + calls(call("get_time"), call("get_weather", "{}")),
        thinking("That will do.") + text("It rains."),
    ]
    claude.upstream.on(model, *rounds, *rounds)


def outputs(items: list[JSON]) -> list[JSON]:
    """A result for each call."""
    called = (item for item in items if item["type"] == "function_call")
    return [result(item["call_id"], f"{item['name']} said so") for item in called]


def blocks(claude: Claude, kind: str) -> list[JSON]:
    turns = claude.asked["messages"]
    return [block for turn in turns for block in turn["content"] if block["type"] == kind]


@MODELS
@pytest.mark.parametrize("streams", [True, False])
async def test_a_loop_over_stored_responses_is_taken_by_the_vendor(
    claude: Claude, model: str, streams: bool
) -> None:
    script(claude, model)
    prompt: JSON = "What is it like outside?"
    previous = None

    for _ in range(6):
        fields = FIELDS | {"previous_response_id": previous}
        if streams:
            response = (await claude.stream(prompt, model, **fields))[-1]["response"]
        else:
            response = (await claude.create(prompt, model, **fields)).model_dump()
        assert response["status"] == "completed"
        prompt, previous = outputs(response["output"]) or "And tomorrow?", response["id"]

    assert len(blocks(claude, "thinking")) == 3
    assert len(blocks(claude, "redacted_thinking")) == 2
    assert claude.asked["thinking"]["type"] in ("enabled", "adaptive")


@MODELS
async def test_a_loop_of_a_client_that_keeps_its_state_is_taken_too(
    claude: Claude, model: str
) -> None:
    script(claude, model)
    items: list[JSON] = [{"role": "user", "content": "What is it like outside?"}]

    for _ in range(6):
        include = ["reasoning.encrypted_content"]
        response = await claude.create(items, model, **FIELDS, store=False, include=include)
        said = [item.model_dump(exclude_none=True) for item in response.output]
        items += said
        items += outputs(said) or [{"role": "user", "content": "And tomorrow?"}]

    assert len(blocks(claude, "thinking")) == 3
    assert len(blocks(claude, "redacted_thinking")) == 2


async def test_without_the_sealed_thinking_the_budget_is_dropped_for_this_call(
    claude: Claude,
) -> None:
    script(claude, SONNET)
    first = await claude.create("Hi", **FIELDS)
    items = [item.model_dump(exclude_none=True) for item in first.output]
    bare = [item for item in items if item["type"] != "reasoning"]

    await claude.create([{"role": "user", "content": "Hi"}, *bare, *outputs(items)], **FIELDS)

    assert "thinking" not in claude.asked


async def test_a_model_that_thinks_as_it_sees_fit_may_have_seen_no_need(claude: Claude) -> None:
    claude.upstream.on(OPUS, calls(call("get_time")), text("Late."))
    first = await claude.create("Hi", OPUS, **FIELDS)
    called = outputs([item.model_dump() for item in first.output])

    await claude.create(called, OPUS, **FIELDS, previous_response_id=first.id)

    assert claude.asked["thinking"] == {"type": "adaptive", "display": "summarized"}


async def test_thinking_of_another_vendor_or_deployment_is_left_out(claude: Claude) -> None:
    foreign = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB"}
    spoken = [foreign, {"role": "assistant", "content": "Hello."}]

    await claude.create(
        [{"role": "user", "content": "Hi"}, *spoken, {"role": "user", "content": "?"}]
    )

    assert blocks(claude, "thinking") == []


async def test_thinking_bound_to_one_model_is_not_shown_to_another(claude: Claude) -> None:
    claude.upstream.on(BOUND, thinking("Hm.") + text("Yes."))
    first = await claude.create("Hi", BOUND, reasoning=LOW)

    await claude.create("And?", OPUS, previous_response_id=first.id)

    assert blocks(claude, "thinking") == []


async def test_other_instructions_cost_a_bound_model_its_thinking_but_no_error(
    claude: Claude,
) -> None:
    claude.upstream.on(BOUND, thinking("Hm.") + text("Yes."), text("No."))
    first = await claude.create("Hi", BOUND, instructions="One.", reasoning=LOW)

    second = await claude.create("And?", BOUND, instructions="Two.", previous_response_id=first.id)

    assert second.output_text == "No."
    assert claude.asked["thinking"]["block_binding"] == {"prefix_mismatch_behavior": "drop_block"}


async def test_thinking_that_led_to_nothing_is_not_sent_back(claude: Claude) -> None:
    claude.upstream.on(SONNET, thinking("Hm.").ending("length"), text("Yes."))
    first = await claude.create("Hi", reasoning=LOW)

    second = await claude.create("Go on.", previous_response_id=first.id, reasoning=LOW)

    assert second.output_text == "Yes."
    assert [turn["role"] for turn in claude.asked["messages"]] == ["user"]
