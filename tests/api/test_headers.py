"""What requests and answers say in their headers: keys, ids, what was left out."""

from pathlib import Path

import pytest

from tests.api.door import BEARER, FUNCTION, JSON, KEY, Door, error_of, opened


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY} "},
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": "sk-wrong"},
        {"Authorization": "Basic dXNlcg==", "X-API-Key": KEY},
    ],
    ids=["Bearer", "bearer with blanks", "X-API-Key", "Bearer wins", "not Basic"],
)
async def test_a_key_is_taken_from_either_header(door: Door, headers: dict[str, str]) -> None:
    door.http.headers.pop("Authorization")

    assert (await door.http.get("/v1/models", headers=headers)).status_code == 200


async def test_head_answers_as_get_does(door: Door) -> None:
    assert (await door.http.head("/v1/models")).status_code == 200


async def test_ignored_parameters_and_tools_are_named_in_headers(door: Door) -> None:
    body = {
        "model": "demo",
        "input": "Hm.",
        "tools": [FUNCTION, {"type": "web_search"}, {"type": "mcp"}, {"type": "web_search"}],
        "verbosity": "low",
        "client_metadata": {},
        "né": 1,
    }

    answer = await door.http.post("/v1/responses", json=body)

    assert answer.headers["x-ignored-parameters"] == "verbosity, client_metadata"
    assert answer.headers["x-ignored-tools"] == "web_search, mcp"
    assert [tool["name"] for tool in answer.json()["tools"]] == ["water_plants"]


async def test_entries_of_include_that_mean_nothing_are_named(door: Door) -> None:
    include = ["reasoning.encrypted_contents", "file_search_call.results", ""]
    body = {"model": "demo", "input": "Hm.", "include": include}

    answer = await door.http.post("/v1/responses", json=body)

    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == "include[0], include[2]"


MISSPELT = {
    "text.fromat": {"text": {"fromat": {"type": "json_object"}}},
    "text.format.shema": {"text": {"format": {"type": "text", "shema": {}}}},
    "text.format.json_schema.strikt": {
        "text": {
            "format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": {}, "strikt": True},
            }
        }
    },
    "reasoning.efort": {"reasoning": {"efort": "low"}},
    "tools[1].paramters": {"tools": [FUNCTION, {"type": "function", "name": "a", "paramters": {}}]},
    "tools[0].function.strikt": {
        "tools": [{"type": "function", "function": {"name": "a", "strikt": True}}]
    },
    "tools[0].format.sintax": {
        "tools": [{"type": "custom", "name": "a", "format": {"type": "text", "sintax": "lark"}}]
    },
    "tools[0].tools[0].descripton": {
        "tools": [
            {
                "type": "namespace",
                "name": "a",
                "tools": [{"type": "function", "name": "b", "descripton": "It bees."}],
            }
        ]
    },
    "tool_choice.fuction": {
        "tools": [FUNCTION],
        "tool_choice": {"type": "function", "name": "water_plants", "fuction": 1},
    },
    "tool_choice.tools[0].nmae": {
        "tools": [FUNCTION],
        "tool_choice": {
            "type": "allowed_tools",
            "tools": [{"type": "function", "name": "water_plants", "nmae": "b"}],
        },
    },
    "stream_options.include_usage": {"stream": True, "stream_options": {"include_usage": True}},
    "context_management[0].compact_treshold": {
        "context_management": [{"type": "compaction", "compact_treshold": 5000}]
    },
}


@pytest.mark.parametrize(("path", "fields"), MISSPELT.items(), ids=MISSPELT)
async def test_what_is_unknown_inside_a_parameter_is_named_with_its_path(
    door: Door, path: str, fields: JSON
) -> None:
    answer = await door.http.post(
        "/v1/responses", json={"model": "demo", "input": "Hm.", "store": False} | fields
    )

    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == path


@pytest.mark.parametrize(("path", "fields"), MISSPELT.items(), ids=MISSPELT)
async def test_strict_settings_refuse_what_is_unknown_inside_a_parameter(
    tmp_path: Path, path: str, fields: JSON
) -> None:
    async with opened(tmp_path, unknown_parameters="reject") as door:
        answer = await door.http.post(
            "/v1/responses", json={"model": "demo", "input": "Hm."} | fields
        )

        assert answer.status_code == 400
        assert error_of(answer)["code"] == "unknown_parameter"
        assert error_of(answer)["param"] == path
        assert path in error_of(answer)["message"]


async def test_a_name_that_a_header_cannot_carry_is_refused_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path, unknown_parameters="reject") as door:
        answer = await door.http.post(
            "/v1/responses", json={"model": "demo", "input": "Hm.", "verbosité": "low"}
        )

        assert answer.status_code == 400
        assert error_of(answer)["param"] == "verbosité"


OWN_WORDS = {
    "a JSON schema": {
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {"my_keyword": 1}}}
    },
    "the parameters of a tool": {"tools": [FUNCTION | {"parameters": {"my_keyword": {"a": 1}}}]},
    "what OpenAI knows of a tool": {
        "tools": [
            FUNCTION
            | {"defer_loading": True, "allowed_callers": ["direct"], "output_schema": {"a": 1}}
        ]
    },
    "metadata": {"metadata": {"mood": "merry"}},
    "an item of the input": {
        "input": [{"role": "user", "content": "Hm.", "cache_control": {"type": "ephemeral"}}]
    },
    "a part of an item": {
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hm.", "prompt_cache_breakpoint": {}}],
            }
        ]
    },
    "a hosted tool": {"tools": [FUNCTION, {"type": "web_search", "search_context_size": "low"}]},
    "a choice that another one replaces": {
        "tools": [FUNCTION],
        "tool_choice": {
            "type": "allowed_tools",
            "tools": [{"type": ["function"]}, 5],
            "allowed_tools": {"tools": [{"type": "function", "name": "water_plants"}]},
        },
    },
    "nothing": {"reasoning": {"efort": None}, "text": None, "tools": None},
}


@pytest.mark.parametrize("fields", OWN_WORDS.values(), ids=OWN_WORDS)
async def test_what_clients_may_say_in_their_own_words_is_not_named(
    door: Door, fields: JSON
) -> None:
    answer = await door.http.post("/v1/responses", json={"model": "demo", "input": "Hm."} | fields)

    assert answer.status_code == 200
    assert "x-ignored-parameters" not in answer.headers


async def test_a_key_that_is_unknown_in_many_tools_is_named_once(door: Door) -> None:
    tools = [
        {"type": "function", "name": f"tool_{n}", "cache_control": {}, "paramters": {}}
        for n in range(100)
    ]

    answer = await door.http.post(
        "/v1/responses", json={"model": "demo", "input": "Hm.", "tools": tools}
    )

    named = answer.headers["x-ignored-parameters"]
    assert named == "tools[0].cache_control, tools[0].paramters"


async def test_the_names_of_ignored_parameters_fit_in_a_header(door: Door) -> None:
    long = {f"{'long' * 15}{n}": n for n in range(1000)}

    answer = await door.http.post("/v1/responses", json={"model": "demo", "input": "Hm."} | long)

    named = answer.headers["x-ignored-parameters"]
    assert len(named) <= 1000
    assert named.split(", ") == [*long][: len(named.split(", "))]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_idempotency_key_without_a_stored_response_is_named(
    door: Door, stream: bool
) -> None:
    named = [
        (
            await door.http.post(
                "/v1/responses",
                json={"model": "demo", "input": "Hm.", "store": store, "stream": stream},
                headers={"Idempotency-Key": f"once {store}"},
            )
        ).headers.get("x-ignored-parameters")
        for store in (True, False)
    ]

    assert named == [None, "Idempotency-Key"]


async def test_a_count_names_what_it_does_not_count(door: Door) -> None:
    body = {"model": "demo", "input": "Hm.", "store": False, "include": ["x"]}

    answer = await door.http.post("/v1/responses/input_tokens", json=body)

    assert answer.headers["x-ignored-parameters"] == "store, include"


async def test_names_that_clients_choose_cannot_break_a_header(door: Door) -> None:
    body = {
        "model": "demo/x\r\nSet-Cookie: stolen=1",
        "input": "Hm.",
        "tools": [FUNCTION, {"type": "搜索\r\nX-Evil: 1"}],
    }

    answer = await door.http.post("/v1/responses", json=body)

    assert answer.status_code == 200
    assert not {"set-cookie", "x-evil"} & answer.headers.keys()
    assert answer.headers["x-upstream-model"] == "demo/x??Set-Cookie: stolen=1"
    assert answer.headers["x-ignored-tools"] == "????X-Evil: 1"


async def test_strict_settings_refuse_what_is_else_ignored(tmp_path: Path) -> None:
    async with opened(tmp_path, unknown_parameters="reject", unsupported_tools="reject") as door:
        unknown = await door.http.post(
            "/v1/responses", json={"model": "demo", "input": "Hm.", "mood": "merry"}
        )
        hosted = await door.http.post(
            "/v1/responses",
            json={"model": "demo", "input": "Hm.", "tools": [FUNCTION, {"type": "mcp"}]},
        )

        assert unknown.status_code == hosted.status_code == 400
        assert error_of(unknown)["code"] == "unknown_parameter"
        assert error_of(unknown)["param"] == "mood"
        assert error_of(hosted)["code"] == "unsupported_tool_type"
        assert error_of(hosted)["param"] == "tools[1].type"
        assert door.kept == 0


@pytest.mark.parametrize("given", ["req-1", "a" * 128, "trace:7f.3_b"])
async def test_a_sane_request_id_is_echoed(door: Door, given: str) -> None:
    for path in ("/health", "/v1/models", "/v1/nowhere"):
        answer = await door.http.get(path, headers={"X-Request-ID": given})
        assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "<script>", "a\tb", "a,b", "a/b"])
async def test_other_request_ids_are_replaced(door: Door, given: str) -> None:
    answer = await door.http.get("/health", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"].startswith("req_")


async def test_a_request_id_beyond_ascii_is_replaced(door: Door) -> None:
    answer = await door.http.get("/health", headers=[(b"X-Request-ID", b"\xff\xfe")])

    assert answer.headers["x-request-id"].startswith("req_")


async def test_each_request_has_an_id_of_its_own(door: Door) -> None:
    ids = {(await door.http.get("/health")).headers["x-request-id"] for _ in range(20)}

    assert len(ids) == 20


async def test_a_body_without_content_type_is_read(door: Door) -> None:
    body = b'{"model": "demo", "input": "Hm."}'

    answer = await door.http.post("/v1/responses", content=body, headers=BEARER)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"],
)
async def test_json_by_its_other_names_is_read(door: Door, media: str) -> None:
    answer = await door.http.post(
        "/v1/responses",
        content=b'{"model": "demo", "input": "Hm."}',
        headers={"Content-Type": media},
    )

    assert answer.status_code == 200
