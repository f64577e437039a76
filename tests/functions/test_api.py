"""The buffered function: every route that never streams, through Mangum."""

import gc
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from rejoinder.web.routes import ROUTES
from tests.functions.cloud import KEY, OTHER_KEY, UPSTREAM_KEY, Cloud, Streaming, buffered
from tests.functions.events import Context, request, told
from tests.upstreams.chat_replies import text

type JSON = Any

BUFFERED = [row for row in ROUTES if not row.may_stream and row.path.startswith(("/v1/r", "/v1/w"))]


@pytest.fixture
def api(cloud: Cloud) -> Iterator[ModuleType]:
    with buffered("api") as api:
        yield api


def ask(api: ModuleType, method: str, path: str, key: str = KEY, **others: JSON) -> JSON:
    return api.handle(request(method, path, key, **others), Context())


def made(cloud: Cloud, stream: Streaming) -> str:
    model = cloud.models.saying(text("Hello"))
    response_id: str = stream.create(model=model, input="Say hello!").json()["id"]
    return response_id


def test_a_response_that_was_made_elsewhere_is_deleted(
    cloud: Cloud, stream: Streaming, api: ModuleType
) -> None:
    response_id = made(cloud, stream)

    deleted = ask(api, "DELETE", f"/v1/responses/{response_id}")

    assert deleted["statusCode"] == 200
    assert told(deleted) == {"id": response_id, "object": "response", "deleted": True}
    assert stream.ask("GET", f"/v1/responses/{response_id}").status_code == 404


def test_a_queued_response_is_cancelled(cloud: Cloud, stream: Streaming, api: ModuleType) -> None:
    response_id = stream.create(model="demo", input="Hello", background=True).json()["id"]

    cancelled = ask(api, "POST", f"/v1/responses/{response_id}/cancel")

    assert told(cancelled)["status"] == "cancelled"


def test_input_items_are_listed_by_pages(cloud: Cloud, stream: Streaming, api: ModuleType) -> None:
    response_id = made(cloud, stream)
    query = {"limit": "1", "order": "asc"}

    listed = ask(
        api,
        "GET",
        f"/v1/responses/{response_id}/input_items",
        queryStringParameters=query,
        multiValueQueryStringParameters={name: [value] for name, value in query.items()},
    )

    (item,) = told(listed)["data"]
    assert item["content"][0]["text"] == "Say hello!"


def test_models_are_listed_and_found_by_names_with_slashes(api: ModuleType) -> None:
    listed = ask(api, "GET", "/v1/models")
    one = ask(api, "GET", "/v1/models/scripted%2Fsome-model")

    assert "demo" in [card["id"] for card in told(listed)["data"]]
    assert told(one)["id"] == "scripted/some-model"


def test_models_of_bedrock_are_listed_unless_that_is_switched_off(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with buffered("api") as api:
        before = ask(api, "GET", "/v1/models")
    monkeypatch.setenv("REJOINDER_BEDROCK", "off")

    with buffered("api") as api:
        after = ask(api, "GET", "/v1/models")

    owners = [{card["owned_by"] for card in told(each)["data"]} for each in (before, after)]
    assert owners[0] - owners[1] == {"bedrock"}


def test_garbage_is_collected_from_the_first_request_on(cloud: Cloud) -> None:
    gc.disable()  # as `loading` leaves it in a process of Lambda
    try:
        with buffered("api"):
            is_collected, spared = gc.isenabled(), gc.get_freeze_count()
    finally:
        gc.unfreeze()
        gc.enable()

    assert is_collected
    assert spared > 0


def test_the_description_of_the_api_needs_no_key(api: ModuleType) -> None:
    described = ask(api, "GET", "/v1/openapi.json", key="")

    assert described["statusCode"] == 200
    assert told(described)["openapi"].startswith("3.")


def test_the_queue_is_told_as_text(api: ModuleType) -> None:
    metrics = ask(api, "GET", "/metrics", key="")

    assert metrics["isBase64Encoded"] is False
    assert "rejoinder_queue_waiting 0" in metrics["body"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("PUT", "/v1/responses/resp_0123456789abcdef/cancel", 405, "method_not_allowed"),
        ("DELETE", f"/v1/responses/resp_{'0' * 32}", 404, "response_not_found"),
        ("DELETE", "/v1/responses/strange", 400, "invalid_response_id"),
    ],
)
def test_what_cannot_be_done_is_told_in_the_shape_of_every_error(
    api: ModuleType, method: str, path: str, status: int, code: str
) -> None:
    answer = ask(api, method, path)

    assert answer["statusCode"] == status
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["x-request-id"]
    assert told(answer)["error"].keys() == {"message", "type", "param", "code"}
    assert told(answer)["error"]["code"] == code


@pytest.mark.parametrize("row", BUFFERED, ids=lambda row: f"{row.method} {row.path}")
def test_no_route_but_the_public_ones_answers_without_a_key(api: ModuleType, row: JSON) -> None:
    path = row.path.replace("{response_id}", f"resp_{'0' * 32}")

    answer = ask(api, row.method, path, key="sk-unknown")

    assert answer["statusCode"] == 401


def test_another_tenants_response_does_not_exist(
    cloud: Cloud, stream: Streaming, api: ModuleType
) -> None:
    response_id = made(cloud, stream)

    answer = ask(api, "DELETE", f"/v1/responses/{response_id}", OTHER_KEY)

    assert answer["statusCode"] == 404


def test_the_function_answers_again_and_again(api: ModuleType) -> None:
    statuses = [ask(api, "GET", "/v1/models")["statusCode"] for _ in range(3)]

    assert statuses == [200, 200, 200]


class Hooks(ModuleType):
    """AWS's `snapshot_restore_py`, as the managed runtime has it."""

    def __init__(self) -> None:
        super().__init__("snapshot_restore_py")
        self.after: list[Callable[[], None]] = []

    def register_after_restore(self, hook: Callable[[], None]) -> None:
        self.after.append(hook)


def test_a_function_reads_its_secret_when_it_was_restored_from_a_snapshot(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = Hooks()
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", hooks)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    cloud.keep_secret({"SOMETHING_ELSE": "x"})  # the settings want SCRIPTED_API_KEY
    with buffered("api") as api:
        cloud.keep_secret({"SCRIPTED_API_KEY": UPSTREAM_KEY})
        for hook in hooks.after:
            hook()

        listed = ask(api, "GET", "/v1/models")

    assert listed["statusCode"] == 200
