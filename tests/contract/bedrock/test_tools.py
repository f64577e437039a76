"""Tool calls over the scripted Bedrock: both ways, over several turns."""

import json

import pytest

from rejoinder.schema.items import JSON
from tests.contract.bedrock.door import (
    ADAPTIVE,
    CLAUDE,
    LLAMA,
    MISTRAL,
    TIME,
    WEATHER,
    Door,
    calls_of,
    results_of,
    said,
)
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import call, calls, text

PARIS = call("get_weather", '{"ci', 'ty": "Paris"}', id="tooluse_aaa")
NOON = call("get_time", id="tooluse_bbb")


async def test_parallel_calls_keep_their_own_arguments(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, text("Let me see.") + calls(PARIS, NOON))

    for response in (
        await asked.create(CLAUDE, tools=[WEATHER, TIME]),
        (await asked.stream(CLAUDE, tools=[WEATHER, TIME])).response,
    ):
        first, second = calls_of(response)
        assert (first["call_id"], json.loads(first["arguments"])) == (
            "tooluse_aaa",
            {"city": "Paris"},
        )
        assert (second["name"], second["arguments"]) == ("get_time", "{}")
        assert response["status"] == "completed"


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_tool_loop_goes_round(
    bedrock: BedrockUpstream, asked: Door, stored: bool, streamed: bool
) -> None:
    bedrock.on(CLAUDE, text("Let me see.") + calls(PARIS, NOON), text("Sunny, at noon."))
    question: JSON = [{"role": "user", "content": "Weather and time?"}]
    ask = {"tools": [WEATHER, TIME], "store": stored}

    first = await asked.create(CLAUDE, question, **ask)
    results = list(reversed(results_of(first)))
    more: JSON = {"previous_response_id": first["id"]} if stored else {}
    given = results if stored else [*question, *first["output"], *results]
    if streamed:
        second = (await asked.stream(CLAUDE, given, **ask, **more)).response
    else:
        second = await asked.create(CLAUDE, given, **ask, **more)

    assert said(second) == "Sunny, at noon."
    assistant, user = bedrock.last["messages"][1:]
    assert [next(iter(block)) for block in assistant["content"]] == ["text", "toolUse", "toolUse"]
    ids = [block["toolResult"]["toolUseId"] for block in user["content"] if "toolResult" in block]
    assert ids == ["tooluse_aaa", "tooluse_bbb"]


async def test_a_history_with_calls_declares_its_tools_though_none_is_offered(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, calls(PARIS), text("Sunny.") + calls(PARIS))
    first = await asked.create(CLAUDE, tools=[WEATHER])

    second = await asked.create(CLAUDE, results_of(first), previous_response_id=first["id"])

    assert (
        bedrock.last["toolConfig"]["tools"][0]["toolSpec"]["description"]
        == (WEATHER["description"])
    )
    assert (said(second), calls_of(second)) == ("Sunny.", [])


async def test_calls_of_unknown_tools_are_declared_too(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    history: JSON = [
        {"role": "user", "content": "Go"},
        {"type": "function_call", "call_id": "a b|c", "name": "old", "arguments": ""},
        {"type": "function_call_output", "call_id": "a b|c", "output": ""},
    ]

    await asked.create(CLAUDE, history)

    assert bedrock.last["toolConfig"]["tools"][0]["toolSpec"]["name"] == "old"
    made, answered = bedrock.last["messages"][1:]
    call_id = made["content"][0]["toolUse"]["toolUseId"]
    assert answered["content"][0]["toolResult"]["toolUseId"] == call_id != "a b|c"


async def test_one_call_id_may_come_in_two_turns(bedrock: BedrockUpstream, asked: Door) -> None:
    one: JSON = [
        {"type": "function_call", "call_id": "call_1", "name": "old", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "done"},
    ]

    await asked.create(CLAUDE, [*one, {"role": "user", "content": "Again"}, *one])

    assert len(bedrock.last["messages"]) == 5


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "name": "get_time"}, {"tool": {"name": "get_time"}}),
    ],
)
async def test_the_choice_of_a_tool_is_said(
    bedrock: BedrockUpstream, asked: Door, choice: JSON, wanted: JSON
) -> None:
    await asked.create(CLAUDE, tools=[WEATHER, TIME], tool_choice=choice)

    assert bedrock.last["toolConfig"].get("toolChoice") == wanted


async def test_a_model_that_cannot_be_forced_is_told_in_words(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    choice = {"type": "function", "name": "get_time"}
    await asked.create(LLAMA, tools=[WEATHER, TIME], tool_choice=choice)

    assert "toolChoice" not in bedrock.last["toolConfig"]
    assert "get_time" in bedrock.last["system"][-1]["text"]


async def test_without_a_choice_no_tool_is_declared(bedrock: BedrockUpstream, asked: Door) -> None:
    await asked.create(CLAUDE, tools=[WEATHER], tool_choice="none")

    assert "toolConfig" not in bedrock.last


async def test_only_allowed_tools_are_offered(bedrock: BedrockUpstream, asked: Door) -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"name": "get_time"}]}
    allowed["tools"] = [{"type": "function", "name": "get_time"}]

    await asked.create(LLAMA, tools=[WEATHER, TIME], tool_choice=allowed)

    names = [tool["toolSpec"]["name"] for tool in bedrock.last["toolConfig"]["tools"]]
    assert names == ["get_time"]


async def test_parallel_calls_can_be_switched_off(bedrock: BedrockUpstream, asked: Door) -> None:
    await asked.create(CLAUDE, tools=[TIME], parallel_tool_calls=False)

    fields = bedrock.last["additionalModelRequestFields"]
    assert fields["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


async def test_mistral_gets_ids_of_nine_letters(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(MISTRAL, calls(PARIS), text("Sunny."))
    first = await asked.create(MISTRAL, tools=[WEATHER])

    await asked.create(
        MISTRAL, results_of(first), previous_response_id=first["id"], tools=[WEATHER]
    )

    call_id = bedrock.last["messages"][1]["content"][0]["toolUse"]["toolUseId"]
    assert len(call_id) == 9
    assert call_id.isalnum()


async def test_a_custom_tool_is_a_function_there_and_back(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    shell = {"type": "custom", "name": "shell", "description": "Runs a command."}
    bedrock.on(CLAUDE, calls(call("shell", '{"input": "l', 's -l"}', id="tooluse_c")), text("ok"))
    first = await asked.create(CLAUDE, tools=[shell])

    made = first["output"][0]
    result = {
        "type": "custom_tool_call_output",
        "call_id": made["call_id"],
        "output": [{"type": "input_text", "text": "a.txt"}],
    }
    await asked.create(CLAUDE, [result], previous_response_id=first["id"], tools=[shell])

    assert made["input"] == "ls -l"
    assert bedrock.last["messages"][1]["content"][0]["toolUse"]["input"] == {"input": "ls -l"}


async def test_prompts_are_found_in_the_cache_turn_after_turn(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(ADAPTIVE, calls(PARIS), text("Sunny."), text("Bye."))
    ask: JSON = {"tools": [WEATHER], "instructions": "Be brief. " * 50}

    first = await asked.create(ADAPTIVE, **ask)
    second = await asked.create(
        ADAPTIVE, results_of(first), previous_response_id=first["id"], **ask
    )
    third = await asked.create(ADAPTIVE, "Thanks", previous_response_id=second["id"], **ask)

    cached = [
        each["usage"]["input_tokens_details"]["cached_tokens"] for each in (first, second, third)
    ]
    assert 0 == cached[0] < cached[1] < cached[2]
    assert bedrock.last["toolConfig"]["tools"][-1] == {"cachePoint": {"type": "default"}}


async def test_only_models_that_cache_get_cache_points(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    await asked.create(LLAMA, tools=[WEATHER], instructions="Be brief.")

    assert "cachePoint" not in json.dumps(bedrock.last)
