"""Thinking over the scripted Bedrock, which takes back only what it signed, in its place."""

import pytest

from rejoinder.schema.items import JSON
from tests.contract.bedrock.door import (
    ADAPTIVE,
    CLAUDE,
    NOVA,
    OSS,
    TIME,
    WEATHER,
    Door,
    calls_of,
    results_of,
    said,
)
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import (
    call,
    calls,
    hidden,
    redacted,
    signature_of,
    text,
    thinking,
)

OPUS = "us.anthropic.claude-opus-5"
ALWAYS = "us.anthropic.claude-fable-5"
PARIS = call("get_weather", '{"city": "Paris"}', id="tooluse_aaa")
LOW: JSON = {"reasoning": {"effort": "low", "summary": "auto"}}


def reasoning_of(response: JSON) -> list[JSON]:
    return [item for item in response["output"] if item["type"] == "reasoning"]


async def test_thinking_is_a_summary_and_its_signature_is_not_shown(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, thinking("Hm, ", "well.") + text("42"))

    for response in (
        await asked.create(CLAUDE, **LOW),
        (await asked.stream(CLAUDE, **LOW)).response,
    ):
        (item,) = reasoning_of(response)
        assert item["summary"] == [{"type": "summary_text", "text": "Hm, well."}]
        assert signature_of("Hm, well.") not in str(response)
        assert said(response) == "42"


async def test_thinking_that_only_the_vendor_reads_has_no_summary(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, hidden("the plan") + text("42"))

    (item,) = reasoning_of(await asked.create(CLAUDE, **LOW))

    assert item["summary"] == []


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("model", [CLAUDE, ADAPTIVE, OPUS])
async def test_signed_thinking_goes_back_in_its_place(
    bedrock: BedrockUpstream, asked: Door, stored: bool, streamed: bool, model: str
) -> None:
    bedrock.on(
        model,
        thinking("First, ", "Paris. 🗼") + hidden("the plan") + text("Let me see.") + calls(PARIS),
        thinking("", "") + calls(call("get_time", id="tooluse_bbb")),
        text("Sunny, at noon."),
    )
    history: list[JSON] = [{"role": "user", "content": "Weather and time?"}]
    ask: JSON = {"tools": [WEATHER, TIME], "store": stored, **LOW}
    previous: JSON = {}

    for _ in range(3):
        if streamed:
            response = (await asked.stream(model, history, **ask, **previous)).response
        else:
            response = await asked.create(model, history, **ask, **previous)
        new = results_of(response)
        history = new if stored else [*history, *response["output"], *new]
        previous = {"previous_response_id": response["id"]} if stored else {}

    assert said(response) == "Sunny, at noon."
    first = bedrock.last["messages"][1]["content"]
    assert [next(iter(block)) for block in first] == [
        "reasoningContent",
        "reasoningContent",
        "text",
        "toolUse",
    ]
    assert first[0]["reasoningContent"]["reasoningText"]["text"] == "First, Paris. 🗼"
    assert first[1]["reasoningContent"]["redactedContent"] == redacted("the plan")


async def test_thinking_of_another_family_stays_behind(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, thinking("Hm.") + calls(PARIS))
    bedrock.on(OSS, thinking("Well.", is_signed=False) + text("Sunny."), text("Bye."))
    first = await asked.create(CLAUDE, tools=[WEATHER], **LOW)

    second = await asked.create(
        OSS, results_of(first), previous_response_id=first["id"], tools=[WEATHER], **LOW
    )
    assert "reasoningContent" not in str(bedrock.last)

    await asked.create(OSS, "Thanks", previous_response_id=second["id"], tools=[WEATHER], **LOW)
    thought = bedrock.last["messages"][3]["content"][0]["reasoningContent"]
    assert thought == {"reasoningText": {"text": "Well."}}

    await asked.create(CLAUDE, "Thanks", previous_response_id=second["id"], tools=[WEATHER])
    assert "Well." not in str(bedrock.last)


async def test_results_of_unthought_calls_switch_budgeted_thinking_off(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, calls(PARIS), text("Sunny."))
    first = await asked.create(CLAUDE, tools=[WEATHER])

    await asked.create(
        CLAUDE, results_of(first), previous_response_id=first["id"], tools=[WEATHER], **LOW
    )

    assert "additionalModelRequestFields" not in bedrock.last


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 6400}}),
        (CLAUDE, "none", None),
        (CLAUDE, None, None),
        (
            ADAPTIVE,
            "xhigh",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (ADAPTIVE, "max", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        (ADAPTIVE, None, None),
        (
            OPUS,
            "minimal",
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "low"},
            },
        ),
        (OPUS, "none", {"thinking": {"type": "disabled"}}),
        (OPUS, None, {"thinking": {"type": "adaptive", "display": "summarized"}}),
        (
            ALWAYS,
            "none",
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "low"},
            },
        ),
        (OSS, "minimal", {"reasoning_effort": "low"}),
        (OSS, "max", {"reasoning_effort": "high"}),
        (OSS, None, None),
        (NOVA, "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("global.openai.gpt-6-sol", "xhigh", {"reasoning": {"effort": "xhigh"}}),
        ("global.openai.gpt-6-sol", "none", {"reasoning": {"effort": "none"}}),
        ("us.meta.llama3-3-70b-instruct-v1:0", "high", None),
    ],
)
async def test_an_effort_is_said_in_the_words_of_each_family(
    bedrock: BedrockUpstream, asked: Door, model: str, effort: str | None, fields: JSON
) -> None:
    await asked.create(model, reasoning={"effort": effort, "summary": "auto"})

    assert bedrock.last.get("additionalModelRequestFields") == fields


@pytest.mark.parametrize("limit", [16, 1024, 1025, 1500, 3000, 100_000])
async def test_a_budget_stays_below_the_limit(
    bedrock: BedrockUpstream, asked: Door, limit: int
) -> None:
    reasoning = {"effort": "max"}
    await asked.create(CLAUDE, reasoning=reasoning, max_output_tokens=limit, temperature=0.2)

    has_room = limit > 1024
    assert ("additionalModelRequestFields" in bedrock.last) is has_room
    assert ("temperature" in bedrock.last["inferenceConfig"]) is not has_room


async def test_nova_takes_no_limits_at_its_highest_effort(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    high = {"effort": "xhigh"}
    await asked.create(NOVA, reasoning=high, max_output_tokens=99, temperature=0.2)

    assert "inferenceConfig" not in bedrock.last


@pytest.mark.parametrize("model", [CLAUDE, ADAPTIVE, OPUS])
async def test_a_forced_call_is_made_without_thinking(
    bedrock: BedrockUpstream, asked: Door, model: str
) -> None:
    await asked.create(model, tools=[TIME], tool_choice="required", **LOW)

    assert bedrock.last["toolConfig"]["toolChoice"] == {"any": {}}


async def test_a_model_that_always_thinks_is_asked_in_words(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(ALWAYS, calls(PARIS))

    response = await asked.create(ALWAYS, tools=[WEATHER], tool_choice="required", **LOW)

    assert "toolChoice" not in bedrock.last["toolConfig"]
    assert len(calls_of(response)) == 1
