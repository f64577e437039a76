"""The vendor's prefix cache: marks in the right places, beginnings that stay the same."""

from typing import Any

from tests.contract.anthropic.claude import SONNET, TIME, WEATHER, Claude, result
from tests.upstreams.anthropic_checks import canonical
from tests.upstreams.chat_replies import call, calls, text, thinking

type JSON = Any

RULES = "Answer like a pirate. " * 20


def marked(claude: Claude) -> list[str]:
    """Where the marks stand."""
    asked = claude.asked
    places = [f"tools.{i}" for i, each in enumerate(asked.get("tools", [])) if _is(each)]
    places += [f"system.{i}" for i, each in enumerate(asked.get("system", [])) if _is(each)]
    for i, turn in enumerate(asked["messages"]):
        places += [f"messages.{i}.{j}" for j, each in enumerate(turn["content"]) if _is(each)]
    return places


def _is(block: JSON) -> bool:
    return "cache_control" in block


async def test_marks_end_the_tools_the_system_and_the_last_two_user_turns(claude: Claude) -> None:
    items = [
        {"role": role, "content": word}
        for role, word in zip(["user", "assistant"] * 3, "abcdef", strict=True)
    ]

    await claude.create(
        [*items, {"role": "user", "content": "g"}], tools=[WEATHER, TIME], instructions=RULES
    )

    assert marked(claude) == ["tools.1", "system.0", "messages.4.0", "messages.6.0"]


async def test_a_conversation_finds_its_beginning_in_the_cache(claude: Claude) -> None:
    claude.upstream.on(
        SONNET,
        thinking("Hm.") + calls(call("get_weather", '{"city":"Bonn"}')),
        text("Rain."),
        text("More rain."),
    )
    fields: JSON = {
        "tools": [WEATHER],
        "instructions": RULES,
        "reasoning": {"effort": "low"},
    }

    first = await claude.create("Weather?", **fields)
    call_id = first.output[-1].model_dump()["call_id"]
    second = await claude.create([result(call_id, "rain")], previous_response_id=first.id, **fields)
    third = await claude.create("Tomorrow?", previous_response_id=second.id, **fields)

    spent = [each.usage.model_dump() for each in (first, second, third) if each.usage]
    reads = [each["input_tokens_details"]["cached_tokens"] for each in spent]
    writes = [each["input_tokens_details"]["cache_write_tokens"] for each in spent]
    totals = [each["input_tokens"] for each in spent]
    assert reads[0] == 0
    assert reads[1:] == [writes[0], writes[0] + writes[1]]
    assert reads[2] + writes[2] == totals[2]


async def test_a_later_request_begins_with_the_bytes_of_the_earlier_one(claude: Claude) -> None:
    first = await claude.create("One?", instructions=RULES, tools=[WEATHER])
    await claude.create("Two?", instructions=RULES, tools=[WEATHER], previous_response_id=first.id)

    before, after = (request.body for request in claude.upstream.requests)
    assert canonical(after["tools"]) == canonical(before["tools"])
    assert canonical(after["system"]) == canonical(before["system"])
    assert canonical(after["messages"][:1]) == canonical(before["messages"])


async def test_a_wish_for_long_retention_is_one_for_an_hour(claude: Claude) -> None:
    await claude.create(prompt_cache_retention="24h")

    mark = claude.asked["messages"][0]["content"][0]["cache_control"]
    assert mark == {"type": "ephemeral", "ttl": "1h"}
