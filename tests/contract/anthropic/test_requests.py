"""What the Messages API is asked, row by row of contract §9.2."""

import base64
from typing import Any

import pytest

from tests.contract.anthropic.claude import (
    BOUND,
    OLD,
    OPUS,
    SONNET,
    TIME,
    UPSTREAM_KEY,
    WEATHER,
    Claude,
    result,
)
from tests.upstreams.chat_replies import call, calls, text

type JSON = Any

PIXEL = base64.b64encode(b"\x89PNG").decode()
HISTORY: JSON = [
    {"role": "user", "content": "What time is it?"},
    {"type": "function_call", "call_id": "call_1", "name": "get_time", "arguments": ""},
    result("call_1", "Noon."),
]


def plain(claude: Claude) -> JSON:
    """The turns without marks: role and content."""
    return [
        (
            turn["role"],
            [{k: v for k, v in b.items() if k != "cache_control"} for b in turn["content"]],
        )
        for turn in claude.asked["messages"]
    ]


def words(*texts: str) -> JSON:
    return [{"type": "text", "text": each} for each in texts]


async def test_the_key_and_the_version_stand_in_headers(claude: Claude) -> None:
    await claude.create()

    assert claude.last.path == "/v1/messages"
    assert claude.last.headers["x-api-key"] == UPSTREAM_KEY
    assert claude.last.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in claude.last.headers


@pytest.mark.parametrize(
    "name",
    [
        "claude-sonnet-4-20250514",
        "anthropic/claude-sonnet-4-20250514",
        "anthropic.claude-sonnet-4-20250514",
    ],
)
async def test_a_model_has_the_names_that_people_write(claude: Claude, name: str) -> None:
    response = await claude.create(model=name)

    assert claude.asked["model"] == "claude-sonnet-4-20250514"
    assert response.model == name


async def test_leading_rules_are_the_system_and_later_ones_a_note(claude: Claude) -> None:
    items = [
        {"role": "developer", "content": "Two."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": "Three."},
        {"role": "user", "content": "And?"},
    ]

    await claude.create(items, instructions="One.")

    system = [block["text"] for block in claude.asked["system"]]
    assert system == ["One.", "Two."]
    assert plain(claude)[-1] == ("user", words("[System note] Three.", "And?"))


async def test_turns_alternate_and_begin_and_end_with_the_user(claude: Claude) -> None:
    items = [
        {"role": "assistant", "content": "One."},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Two."},
        {"role": "user", "content": [{"type": "input_text", "text": "Three."}]},
        {"role": "assistant", "content": "Four. "},
    ]

    await claude.create(items, OPUS)

    assert [role for role, _ in plain(claude)] == ["user", "assistant", "user", "assistant", "user"]
    assert plain(claude)[2] == ("user", words("Two.", "Three."))


async def test_a_model_that_can_goes_on_with_the_last_words(claude: Claude) -> None:
    await claude.create(
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "He \n"}]
    )

    assert plain(claude)[-1] == ("assistant", words("He"))


async def test_images_and_files_of_each_kind(claude: Claude) -> None:
    parts = [
        {"type": "input_image", "image_url": f"data:image/jpg;base64,{PIXEL}"},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_file", "filename": "a.pdf", "file_data": PIXEL},
        {
            "type": "input_file",
            "filename": "b",
            "file_data": f"data:text/csv;base64,{PIXEL[:0]}YSxi",
        },
        {"type": "input_file", "filename": "c.json", "file_data": "e30="},
        {"type": "input_file", "filename": "d.webp", "file_data": PIXEL},
        {"type": "input_file", "file_url": "https://example.org/e.pdf"},
    ]

    await claude.create([{"role": "user", "content": parts}])

    sources = [block["source"] for block in plain(claude)[0][1]]
    assert sources == [
        {"type": "base64", "media_type": "image/jpeg", "data": PIXEL},
        {"type": "url", "url": "https://example.org/a.png"},
        {"type": "base64", "media_type": "application/pdf", "data": PIXEL},
        {"type": "text", "media_type": "text/plain", "data": "a,b"},
        {"type": "text", "media_type": "text/plain", "data": "{}"},
        {"type": "base64", "media_type": "image/webp", "data": PIXEL},
        {"type": "url", "url": "https://example.org/e.pdf"},
    ]
    assert plain(claude)[0][1][2]["title"] == "a.pdf"


@pytest.mark.parametrize(
    ("name", "data"), [("a.docx", "aGk="), ("a.txt", base64.b64encode(b"\xff\xfe").decode())]
)
async def test_a_file_that_the_model_cannot_read_is_refused(
    claude: Claude, name: str, data: str
) -> None:
    part = {"type": "input_file", "filename": name, "file_data": data}

    status, error = await claude.refused([{"role": "user", "content": [part]}])

    assert (status, error["param"]) == (400, "input")
    assert name in error["message"]
    assert claude.upstream.requests == []


async def test_tools_are_told_with_their_schema(claude: Claude) -> None:
    await claude.create(tools=[WEATHER, TIME])

    weather, time = claude.asked["tools"]
    assert (weather["name"], weather["strict"]) == ("get_weather", True)
    assert weather["input_schema"] == WEATHER["parameters"]
    assert (time["input_schema"], "strict" in time) == ({"type": "object"}, False)


async def test_a_tool_whose_parameters_are_no_schema_is_refused(claude: Claude) -> None:
    status, error = await claude.refused(tools=[{**TIME, "parameters": {"oneOf": 5}}])

    assert (status, error["code"], error["param"]) == (400, "invalid_value", "tools")
    assert claude.upstream.requests == []


async def test_older_models_know_no_strict_tools(claude: Claude) -> None:
    await claude.create(model=OLD, tools=[WEATHER])

    assert "strict" not in claude.asked["tools"][0]


async def test_a_schema_with_alternatives_at_its_root_becomes_an_object(claude: Claude) -> None:
    either = [{"properties": {name: {"type": "string"}}} for name in ("a", "b")]
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "anyOf": either}}

    await claude.create(tools=[tool])

    schema = claude.asked["tools"][0]["input_schema"]
    assert (schema["type"], sorted(schema["properties"])) == ("object", ["a", "b"])
    assert "anyOf" in schema["description"]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "get_time"}, {"type": "tool", "name": "get_time"}),
    ],
)
async def test_each_choice_of_tools(claude: Claude, choice: JSON, told: JSON) -> None:
    await claude.create(tools=[WEATHER, TIME], tool_choice=choice)

    assert claude.asked.get("tool_choice") == told
    assert len(claude.asked["tools"]) == 2


async def test_allowed_tools_are_the_only_ones_told(claude: Claude) -> None:
    allowed = [{"type": "function", "name": "get_time"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": allowed}

    await claude.create(tools=[WEATHER, TIME], tool_choice=choice)

    assert [tool["name"] for tool in claude.asked["tools"]] == ["get_time"]
    assert claude.asked["tool_choice"] == {"type": "any"}


async def test_one_call_at_a_time_is_part_of_the_choice(claude: Claude) -> None:
    await claude.create(tools=[TIME], parallel_tool_calls=False)

    assert claude.asked["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


async def test_a_model_that_takes_no_orders_is_asked_in_words(claude: Claude) -> None:
    named = {"type": "function", "name": "get_time"}
    await claude.create("Now?", BOUND, tools=[TIME], tool_choice=named)

    assert "tool_choice" not in claude.asked
    last = claude.asked["messages"][-1]["content"]
    assert "'get_time'" in last[-1]["text"]
    assert [("cache_control" in block) for block in last] == [True, False]


async def test_results_come_first_in_the_turn_after_the_calls(claude: Claude) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "a", "name": "get_time", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "get_weather", "arguments": '{"x": 1.0}'},
        {"role": "user", "content": "Hurry!"},
        result("b", [{"type": "input_text", "text": "Look:"}, picture]),
        result("a", ""),
    ]

    await claude.create(items, tools=[TIME, WEATHER])

    turns = plain(claude)
    assert [role for role, _ in turns] == ["user", "assistant", "user"]
    assert [block["id"] for block in turns[1][1]] == ["a", "b"]
    first, second, third = turns[2][1]
    assert first == {"type": "tool_result", "tool_use_id": "a"}
    assert second["tool_use_id"] == "b"
    assert [block["type"] for block in second["content"]] == ["text", "image"]
    assert third["text"] == "Hurry!"


async def test_strange_and_repeated_ids_are_cleaned_for_call_and_result_alike(
    claude: Claude,
) -> None:
    asked = {"type": "function_call", "call_id": "call:1/ä", "name": "get_time", "arguments": "{}"}
    twice = [asked, result("call:1/ä", "1"), asked, result("call:1/ä", "2")]

    await claude.create([{"role": "user", "content": "Hi"}, *twice], tools=[TIME])

    blocks = [block for _, content in plain(claude) for block in content]
    called = [block["id"] for block in blocks if block["type"] == "tool_use"]
    answered = [(b["tool_use_id"], b["content"]) for b in blocks if b["type"] == "tool_result"]
    assert answered == list(zip(called, ["1", "2"], strict=True))
    assert len(set(called)) == 2


async def test_arguments_that_are_no_object_are_refused(claude: Claude) -> None:
    broken = HISTORY[1] | {"arguments": '{"a": '}

    status, error = await claude.refused([HISTORY[0], broken, HISTORY[2]], tools=[TIME])

    assert (status, error["param"]) == (400, "input")


async def test_old_calls_are_defined_by_the_tools_of_their_time(claude: Claude) -> None:
    claude.upstream.on(SONNET, calls(call("get_weather", "{}", id="toolu_1")), text("Rain."))
    first = await claude.create(tools=[WEATHER])

    await claude.create([result("toolu_1", "rain")], previous_response_id=first.id)

    assert claude.asked["tools"][0]["description"] == "The weather somewhere."
    assert claude.asked["tool_choice"] == {"type": "none"}


async def test_old_calls_that_nobody_defines_are_defined_by_their_names(claude: Claude) -> None:
    await claude.create(HISTORY)

    assert [tool["name"] for tool in claude.asked["tools"]] == ["get_time"]
    assert claude.asked["tool_choice"] == {"type": "none"}


async def test_a_free_text_tool_is_one_with_one_string(claude: Claude) -> None:
    claude.upstream.on(SONNET, calls(call("patch", '{"input": "*** "}')), text("Done."))
    tool = {"type": "custom", "name": "patch"}
    first = await claude.create(tools=[tool])
    called = first.output[0].model_dump()
    answer = {"type": "custom_tool_call_output", "call_id": called["call_id"], "output": "ok"}

    await claude.create([answer], tools=[tool], previous_response_id=first.id)

    assert called["input"] == "*** "
    assert plain(claude)[1][1][0]["input"] == {"input": "*** "}


@pytest.mark.parametrize(
    ("model", "limit"),
    [(SONNET, 64_000), (OPUS, 128_000), ("claude-3-haiku-20240307", 4096), (OLD, 64_000)],
)
async def test_without_a_limit_the_models_own_is_told(
    claude: Claude, model: str, limit: int
) -> None:
    await claude.create(model=model)
    own = claude.asked["max_tokens"]
    await claude.create(model=model, max_output_tokens=99)

    assert (own, claude.asked["max_tokens"]) == (limit, 99)


@pytest.mark.parametrize(
    ("model", "fields", "told"),
    [
        (SONNET, {"temperature": 1.7}, {"temperature": 1}),
        (SONNET, {"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}),
        (SONNET, {"top_p": 0.5}, {"top_p": 0.5}),
        (SONNET, {"temperature": 0.2, "reasoning": {"effort": "low"}}, {}),
        (OPUS, {"temperature": 0.2, "top_p": 0.5}, {}),
    ],
)
async def test_sampling_as_far_as_the_model_takes_it(
    claude: Claude, model: str, fields: JSON, told: JSON
) -> None:
    await claude.create(model=model, **fields)

    sampling = {k: v for k, v in claude.asked.items() if k in ("temperature", "top_p")}
    assert sampling == told


def budget(tokens: int) -> JSON:
    return {"type": "enabled", "budget_tokens": tokens}


def adaptive(display: str = "omitted") -> JSON:
    return {"type": "adaptive", "display": display}


BINDING = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "told_effort"),
    [
        (SONNET, None, None, None),
        (SONNET, "none", None, None),
        (SONNET, "minimal", budget(1280), None),
        (SONNET, "low", budget(6400), None),
        (SONNET, "high", budget(38400), None),
        (SONNET, "xhigh", budget(57600), None),
        ("claude-3-haiku-20240307", "high", None, None),
        (OPUS, None, None, None),
        (OPUS, "none", None, None),
        (OPUS, "minimal", adaptive(), "low"),
        (OPUS, "xhigh", adaptive(), "xhigh"),
        ("claude-opus-4-6", "xhigh", adaptive(), "max"),
        ("claude-sonnet-5", None, adaptive(), None),
        ("claude-sonnet-5", "none", {"type": "disabled"}, None),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        (BOUND, None, adaptive() | BINDING, None),
        (BOUND, "none", adaptive() | BINDING, "low"),
    ],
)
async def test_effort_is_said_as_each_model_knows_it(
    claude: Claude, model: str, effort: str | None, thinking: JSON, told_effort: str | None
) -> None:
    await claude.create(model=model, reasoning={"effort": effort})

    assert claude.asked.get("thinking") == thinking
    assert claude.asked.get("output_config", {}).get("effort") == told_effort


async def test_a_summary_is_asked_for_where_it_is_wanted(claude: Claude) -> None:
    await claude.create(model=OPUS, reasoning={"effort": "high", "summary": "detailed"})

    assert claude.asked["thinking"] == adaptive("summarized")


@pytest.mark.parametrize("model", [SONNET, OPUS])
async def test_force_and_little_room_leave_no_time_to_think(claude: Claude, model: str) -> None:
    await claude.create(model=model, reasoning={"effort": "high"}, max_output_tokens=1024)
    assert "thinking" not in claude.asked

    forced: JSON = {"tools": [TIME], "tool_choice": "required"}
    await claude.create(model=model, reasoning={"effort": "high"}, **forced)
    assert "thinking" not in claude.asked


async def test_a_budget_stays_below_the_limit(claude: Claude) -> None:
    await claude.create(reasoning={"effort": "low"}, max_output_tokens=1025)

    assert claude.asked["thinking"] == budget(1024)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"user": "u-1"}, "u-1"),
        ({"user": "u-1", "safety_identifier": "s_2"}, "s_2"),
        ({"user": ""}, None),
    ],
)
async def test_the_user_is_metadata(claude: Claude, fields: JSON, told: JSON) -> None:
    await claude.create(**fields)

    assert claude.asked.get("metadata", {}).get("user_id") == told


async def test_a_user_who_is_an_address_becomes_a_digest(claude: Claude) -> None:
    await claude.create(user="me@example.org")

    assert "@" not in claude.asked["metadata"]["user_id"]
    assert len(claude.asked["metadata"]["user_id"]) == 64


@pytest.mark.parametrize(
    ("tier", "told"), [("auto", None), ("default", "standard_only"), ("priority", None)]
)
async def test_the_default_tier_is_the_standard_one(claude: Claude, tier: str, told: JSON) -> None:
    await claude.create(service_tier=tier)

    assert claude.asked.get("service_tier") == told


@pytest.mark.parametrize(("limit", "streams"), [(None, True), (21_334, True), (21_333, False)])
async def test_a_long_answer_is_read_as_a_stream_whoever_asked(
    claude: Claude, limit: int | None, streams: bool
) -> None:
    response = await claude.create("Hi", max_output_tokens=limit)

    assert claude.asked["stream"] is streams
    assert response.output_text == "You said: Hi"


async def test_knobs_that_the_vendor_lacks_are_left_out(claude: Claude) -> None:
    await claude.create(
        top_logprobs=2,
        include=["message.output_text.logprobs"],
        extra_body={"seed": 7, "presence_penalty": 1, "frequency_penalty": 1},
        text={"verbosity": "low"},
        prompt_cache_key="k",
    )

    assert set(claude.asked) == {"model", "max_tokens", "stream", "messages"}
