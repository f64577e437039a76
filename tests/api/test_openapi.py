"""The OpenAPI document: valid, complete, and true of what the application accepts and answers."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import schemathesis
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from rejoinder.errors import InvalidRequest
from rejoinder.schema.body import Body
from rejoinder.schema.reader import read_request
from rejoinder.schema.response import Response
from rejoinder.storage.deliveries import Delivery
from rejoinder.web import openapi
from rejoinder.web.openapi.answers import ANSWERS
from rejoinder.web.openapi.request import REQUEST
from rejoinder.web.routes import PREFIXES, ROUTES, Row, health
from tests.api.door import JSON, Door
from tests.unit.schema.accepted import ACCEPTED
from tests.unit.schema.canonical import Accepted
from tests.unit.schema.malformed import MALFORMED
from tests.unit.schema.rows import Malformed

DOCUMENT = openapi.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
FIELDS = SCHEMAS["CreateResponse"]["properties"]

# A schema tells of one value at a time, and not what this deployment has. What only a comparison
# of values can tell, or a look at the deployment, it allows.
BEYOND_SCHEMAS = {
    "invalid_json",
    "mutually_exclusive_parameters",
    "unsupported_tool_type",
    "unsupported_value",
}
BEYOND_THE_SCHEMA = {
    "a function as a custom tool",
    "a function not declared",
    "a function without tools",
    "a message twice",
    "a name with a line's end",  # `$` of Python's expressions; not of those of JSON Schema
    "a tool never heard of",
    "a trigger before the end",
    "an allowed function not declared",
    "an input that is null",
    "no input",
    "options of a stream refused",
    "options of no stream",
    "required with no tools",
    "required without tools",
    "twins in a namespace",
    "two functions of one name",
    "unstored background",
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def fault(name: str, value: JSON) -> ValidationError | None:
    found: ValidationError | None = best_match(validator(name).iter_errors(value))
    return found


def nodes(value: JSON) -> Iterator[dict[str, JSON]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def operations() -> Iterator[tuple[str, str, JSON]]:
    for path, described in DOCUMENT["paths"].items():
        for method, operation in described.items():
            if method != "servers":
                yield method, path, operation


def named(case: Accepted | Malformed) -> str:
    return case.name


def limits() -> Iterator[tuple[str, str, float]]:
    for field, described in FIELDS.items():
        shape = described.get("anyOf", [described])[0]
        for limit in ("minimum", "maximum"):
            if limit in shape:
                yield field, limit, shape[limit]


def test_the_document_is_valid_openapi_3_1() -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    schema.validate()

    assert DOCUMENT["openapi"].startswith("3.1.")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_reference_leads_somewhere() -> None:
    for node in nodes(DOCUMENT):
        if isinstance(node.get("$ref"), str):
            _, _, kind, name = node["$ref"].split("/")
            assert name in DOCUMENT["components"][kind]


def test_no_schema_of_requests_is_hidden_by_one_of_answers() -> None:
    assert not REQUEST.keys() & ANSWERS.keys()


def test_every_route_is_described_and_nothing_else() -> None:
    described = {(method.upper(), path) for method, path, _ in operations()}

    routes = {
        (row.method, row.path.removeprefix("/v1").replace(":path", ""))
        for row in ROUTES
        if not row.path.startswith("/v1/openai/")
    }
    assert described == routes
    assert [server["url"] for server in DOCUMENT["servers"]] == [*PREFIXES]
    for path in ("/health", "/metrics"):
        assert DOCUMENT["paths"][path]["servers"] == [{"url": "/"}]


def test_a_route_without_a_description_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "ROUTES", (*ROUTES, Row("GET", "/v1/weather", health)))

    with pytest.raises(KeyError, match="weather"):
        openapi.document.__wrapped__()


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for *_, operation in operations()]

    assert len(names) == len(set(names))


def test_every_tag_is_described() -> None:
    used = {tag for *_, operation in operations() for tag in operation["tags"]}

    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_only_public_routes_need_no_key() -> None:
    open_paths = {path for _, path, operation in operations() if operation.get("security") == []}

    assert open_paths == {"/health", "/metrics", "/openapi.json"}
    assert DOCUMENT["security"] == [{"Bearer": []}, {"ApiKey": []}]


def test_every_answer_carries_a_request_id() -> None:
    for *_, operation in operations():
        assert "X-Request-ID" in operation["responses"]["200"]["headers"]
    for answer in DOCUMENT["components"]["responses"].values():
        assert "X-Request-ID" in answer["headers"]
        assert answer["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/Error"
        }


def test_the_document_speaks_to_users_of_the_api() -> None:
    said = [node["description"] for node in nodes(DOCUMENT) if "description" in node]

    assert not [each for each in said if "§" in str(each) or "contract" in str(each)]


def test_every_field_of_a_request_is_described() -> None:
    assert FIELDS.keys() == Body.__annotations__.keys()


def test_every_key_of_a_response_is_promised() -> None:
    assert SCHEMAS["Response"]["required"] == [*Response.__struct_fields__]
    assert SCHEMAS["Response"]["properties"].keys() == {*Response.__struct_fields__}


def test_the_application_starts_without_the_document() -> None:
    code = "import sys, rejoinder.web.app; sys.exit('rejoinder.web.openapi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
def test_what_is_understood_is_allowed(case: Accepted) -> None:
    assert fault("CreateResponse", case.body) is None


@pytest.mark.parametrize(
    "case", [case for case in MALFORMED if case.code not in BEYOND_SCHEMAS], ids=named
)
def test_what_is_refused_is_not_allowed(case: Malformed) -> None:
    is_allowed = fault("CreateResponse", json.loads(case.body)) is None

    assert is_allowed == (case.name in BEYOND_THE_SCHEMA)


@pytest.mark.parametrize(("field", "limit", "bound"), [*limits()])
def test_the_limits_of_numbers_are_those_of_the_reader(
    field: str, limit: str, bound: float
) -> None:
    beyond = bound + (1 if limit == "maximum" else -1)
    good = {"model": "demo", "input": "Hm.", field: bound}

    read_request(json.dumps(good).encode())
    with pytest.raises(InvalidRequest, match=field) as refused:
        read_request(json.dumps(good | {field: beyond}).encode())

    assert refused.value.code is not None
    assert refused.value.code.endswith("_below_min_value" if beyond < bound else "_above_max_value")


@pytest.mark.parametrize("kind", SCHEMAS["HostedToolItem"]["properties"]["type"]["enum"])
def test_receipts_of_hosted_tools_are_read_and_left_out(kind: str) -> None:
    body = {"model": "demo", "input": [{"type": kind, "id": "x"}, {"role": "user", "content": ""}]}

    assert len(read_request(json.dumps(body).encode()).input) == 1


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/health", "Health"),
        ("/v1/responses", "Endpoint"),
        ("/v1/models", "ModelList"),
        ("/v1/chat/models", "ModelList"),
        ("/v1/models/quick", "Model"),
        ("/v1/webhook_deliveries", "DeliveryList"),
        ("/v1/nowhere", "Error"),
        ("/v1/models/nobody", "Error"),
        ("/v1/responses/resp_0", "Error"),
        ("/v1/responses/x", "Error"),
    ],
)
async def test_answers_are_as_described(door: Door, path: str, schema: str) -> None:
    answer = await door.http.get(path)

    assert fault(schema, answer.json()) is None


async def test_a_delivery_is_as_described(door: Door) -> None:
    event = {"id": "evt_1", "object": "event", "type": "response.completed", "data": {}}
    note = door.app.gateway.background.announcer.log.note
    await note(Delivery("me", "mine", event, 1, 1_800_000_000, "200"), expires_at=2_000_000_000)

    answer = await door.http.get("/v1/webhook_deliveries")

    assert len(answer.json()["data"]) == 1
    assert fault("DeliveryList", answer.json()) is None


async def test_a_background_response_is_as_described_until_it_is_cancelled(door: Door) -> None:
    queued = await door.create(background=True)
    health = await door.http.get("/health")

    cancelled = await door.http.post(f"/v1/responses/{queued['id']}/cancel")

    assert (queued["status"], cancelled.json()["status"]) == ("queued", "cancelled")
    assert fault("Response", queued) is None
    assert fault("Response", cancelled.json()) is None
    assert health.json()["queue"]["waiting"] == 1
    assert fault("Health", health.json()) is None


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
async def test_answers_to_what_is_understood_are_as_described(door: Door, case: Accepted) -> None:
    body = case.body | {"model": "demo"}

    answer = await door.http.post("/v1/responses", json=body | {"stream": False})

    answered = answer.json()
    if answer.status_code != 200:
        assert answer.status_code in (400, 404)
        assert fault("Error", answered) is None
        return
    assert fault("Response", answered) is None
    if answered["store"]:
        listed = await door.http.get(f"/v1/responses/{answered['id']}/input_items")
        deleted = await door.http.delete(f"/v1/responses/{answered['id']}")
        assert fault("ItemList", listed.json()) is None
        assert fault("DeletedResponse", deleted.json()) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reasoning": {"effort": "low"}},
        {"stream_options": {"include_obfuscation": False}},
        {"max_output_tokens": 16, "input": "word " * 40},
        {
            "tools": [{"type": "function", "name": "look"}, {"type": "web_search"}],
            "tool_choice": "required",
        },
        {"tools": [{"type": "custom", "name": "say"}], "tool_choice": "required"},
    ],
    ids=["plain", "reasoning", "bare", "cut", "call", "custom call"],
)
async def test_events_are_as_described(door: Door, fields: dict[str, JSON]) -> None:
    body = {"model": "demo", "input": "Tell me.", "stream": True} | fields

    answer = await door.http.post("/v1/responses", json=body)

    told = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    assert len(told) > 4
    for event in map(json.loads, told):
        assert fault("StreamEvent", event) is None
        (kind,) = (
            target
            for tag, target in SCHEMAS["StreamEvent"]["discriminator"]["mapping"].items()
            if tag == event["type"]
        )
        assert event.keys() <= SCHEMAS[kind.rpartition("/")[2]]["properties"].keys()
