"""What each route does when all is well, under both prefixes."""

import json
from pathlib import Path
from time import time

import httpx
import pytest

from rejoinder import __version__
from rejoinder.storage.deliveries import Delivery
from tests.api.door import FUNCTION, JSON, OTHER_KEY, Door, error_of, opened

PREFIXES = ["/v1", "/v1/openai"]


def events_of(answer: httpx.Response) -> list[JSON]:
    frames = answer.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    events = []
    for frame in frames[:-2]:
        head, _, data = frame.partition("\n")
        event = json.loads(data.removeprefix("data: "))
        assert head == f"event: {event['type']}"
        events.append(event)
    return events


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_response_is_created_and_can_be_retrieved(door: Door, prefix: str) -> None:
    created = await door.http.post(
        f"{prefix}/responses", json={"model": "demo", "input": "Good evening."}
    )
    response = created.json()
    retrieved = await door.http.get(f"{prefix}/responses/{response['id']}")

    assert created.status_code == 200
    assert created.headers["content-type"] == "application/json"
    assert created.headers["x-upstream-model"] == "demo/demo"
    assert response["status"] == "completed"
    assert "Good evening." in response["output_text"]
    assert retrieved.status_code == 200
    assert retrieved.json() == response


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_streamed_response_ends_with_what_is_retrieved(door: Door, prefix: str) -> None:
    streamed = await door.http.post(
        f"{prefix}/responses", json={"model": "demo", "input": "Sing.", "stream": True}
    )
    events = events_of(streamed)
    response = events[-1]["response"]
    retrieved = await door.http.get(f"{prefix}/responses/{response['id']}")

    assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert streamed.headers["cache-control"] == "no-cache"
    assert streamed.headers["x-request-id"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["type"] == "response.completed"
    assert retrieved.json() == response


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_stream_is_rejoined_byte_for_byte(door: Door, prefix: str) -> None:
    streamed = await door.http.post(
        f"{prefix}/responses", json={"model": "demo", "input": "Sing.", "stream": True}
    )
    url = f"{prefix}/responses/{events_of(streamed)[0]['response']['id']}"

    whole = await door.http.get(url, params={"stream": "true"})
    rest = await door.http.get(url, params={"stream": "true", "starting_after": 3})
    nothing = await door.http.get(url, params={"stream": "true", "starting_after": 10**17})

    assert whole.content == streamed.content
    assert events_of(rest) == events_of(streamed)[4:]
    assert nothing.text == "data: [DONE]\n\n"


async def test_a_stream_is_rejoined_without_padding_on_demand(door: Door) -> None:
    response = await door.create()

    padded = await door.http.get(f"/v1/responses/{response['id']}", params={"stream": "true"})
    bare = await door.http.get(
        f"/v1/responses/{response['id']}",
        params={"stream": "TRUE", "include_obfuscation": "false"},
    )

    assert any("obfuscation" in event for event in events_of(padded))
    assert not any("obfuscation" in event for event in events_of(bare))
    assert len(events_of(bare)) == len(events_of(padded))


async def test_a_response_that_was_not_streamed_can_be_streamed_later(door: Door) -> None:
    response = await door.create()

    answer = await door.http.get(f"/v1/responses/{response['id']}?stream=true")

    assert events_of(answer)[-1]["response"] == response


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_deleted_response_is_gone_for_every_use(door: Door, prefix: str) -> None:
    response = await door.create()
    url = f"{prefix}/responses/{response['id']}"
    item_id = response["output"][0]["id"]

    deleted = await door.http.delete(url)
    continued = {"model": "demo", "input": "And?", "previous_response_id": response["id"]}
    referred = {"model": "demo", "input": [{"type": "item_reference", "id": item_id}]}

    assert deleted.json() == {"id": response["id"], "object": "response", "deleted": True}
    for gone in (
        await door.http.get(url),
        await door.http.get(url, params={"stream": "true"}),
        await door.http.get(f"{url}/input_items"),
        await door.http.delete(url),
    ):
        assert gone.status_code == 404
        assert error_of(gone)["code"] == "response_not_found"
    assert (await door.http.post("/v1/responses", json=continued)).status_code == 400
    assert (await door.http.post("/v1/responses", json=referred)).status_code == 404


async def test_a_response_is_continued_by_its_id(door: Door) -> None:
    first = await door.create("My cat is called Oslo.")
    second = await door.create("Again?", previous_response_id=first["id"])

    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]


async def test_another_tenants_response_does_not_exist(door: Door) -> None:
    response = await door.create()
    url = f"/v1/responses/{response['id']}"
    other = {"Authorization": f"Bearer {OTHER_KEY}"}

    for answer in (
        await door.http.get(url, headers=other),
        await door.http.get(url, headers=other, params={"stream": "true"}),
        await door.http.get(f"{url}/input_items", headers=other),
        await door.http.delete(url, headers=other),
    ):
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "response_not_found"
    assert (await door.http.get(url)).status_code == 200


async def test_an_unstored_response_leaves_nothing(door: Door) -> None:
    response = await door.create(store=False)

    assert response["store"] is False
    assert (await door.http.get(f"/v1/responses/{response['id']}")).status_code == 404
    assert door.kept == 0


async def test_an_unstored_response_can_be_streamed(door: Door) -> None:
    body = {"model": "demo", "input": "Hum.", "stream": True, "store": False}

    answer = await door.http.post("/v1/responses", json=body)

    assert events_of(answer)[-1]["type"] == "response.completed"
    assert door.kept == 0


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_input_items_are_listed_newest_first(door: Door, prefix: str) -> None:
    response = await door.create(
        [{"role": "user", "content": "One."}, {"role": "developer", "content": "Two."}]
    )

    listed = (await door.http.get(f"{prefix}/responses/{response['id']}/input_items")).json()

    assert listed["object"] == "list"
    assert [item["role"] for item in listed["data"]] == ["developer", "user"]
    assert listed["data"][1]["content"] == [{"type": "input_text", "text": "One."}]
    assert listed["data"][1]["status"] == "completed"
    assert listed["first_id"] == listed["data"][0]["id"]
    assert listed["last_id"] == listed["data"][1]["id"]
    assert listed["has_more"] is False


async def test_input_items_are_only_those_of_the_request(door: Door) -> None:
    first = await door.create("The first.")
    second = await door.create("The second.", previous_response_id=first["id"])

    listed = (await door.http.get(f"/v1/responses/{second['id']}/input_items")).json()

    assert [item["content"][0]["text"] for item in listed["data"]] == ["The second."]


async def test_a_request_without_items_lists_none(door: Door) -> None:
    first = await door.create("Go on.")
    second = await door.create(None, previous_response_id=first["id"])

    listed = (await door.http.get(f"/v1/responses/{second['id']}/input_items")).json()

    assert listed == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_input_items_follow_one_another(door: Door, order: str) -> None:
    items = [{"id": f"msg_{i}", "role": "user", "content": str(i)} for i in range(23)]
    url = f"/v1/responses/{(await door.create(items))['id']}/input_items"
    query: dict[str, str | int] = {"limit": 10, "order": order}
    pages = []
    while True:
        pages.append((await door.http.get(url, params=query)).json())
        if not pages[-1]["has_more"]:
            break
        query["after"] = pages[-1]["last_id"]

    assert [len(page["data"]) for page in pages] == [10, 10, 3]
    seen = [item["id"] for page in pages for item in page["data"]]
    wanted = [item["id"] for item in items]
    assert seen == (wanted if order == "asc" else wanted[::-1])


async def test_a_page_is_20_items_and_may_be_cut_at_both_ends(door: Door) -> None:
    items = [{"id": f"msg_{i}", "role": "user", "content": str(i)} for i in range(23)]
    url = f"/v1/responses/{(await door.create(items))['id']}/input_items"

    page = (await door.http.get(url)).json()
    between = (
        await door.http.get(url, params={"order": "asc", "after": "msg_3", "before": "msg_6"})
    ).json()
    behind = (await door.http.get(url, params={"after": "msg_0"})).json()

    assert len(page["data"]) == 20
    assert page["has_more"] is True
    assert [item["id"] for item in between["data"]] == ["msg_4", "msg_5"]
    assert between["has_more"] is False
    assert behind["data"] == []


@pytest.mark.parametrize("path", ["/models", "/chat/models"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_models_are_listed(tmp_path: Path, prefix: str, path: str) -> None:
    began = int(time())
    async with opened(tmp_path) as door:
        listed = (await door.http.get(prefix + path)).json()

    cards = {card["id"]: card for card in listed["data"]}
    assert listed["object"] == "list"
    assert cards.keys() == {"quick", "demo", "demo-twin", "org/model-1.5:free"}
    created = cards["demo"]["created"]
    assert cards["demo"] == {
        "id": "demo",
        "object": "model",
        "created": created,
        "owned_by": "demo",
    }
    assert isinstance(created, int)
    assert began <= created <= time()


async def test_what_is_said_of_a_model_stays(door: Door) -> None:
    first = (await door.http.get("/v1/models")).json()
    again = (await door.http.get("/v1/models")).json()
    alone = (await door.http.get("/v1/models/demo-twin")).json()

    assert again == first
    assert alone in first["data"]


async def test_an_alias_that_leads_to_nobody_is_not_listed(tmp_path: Path) -> None:
    async with opened(tmp_path, aliases={"quick": "demo", "lost": "nobody/x"}) as door:
        listed = (await door.http.get("/v1/models")).json()
        answer = await door.http.get("/v1/models/lost")

        assert [card["id"] for card in listed["data"] if card["owned_by"] == "alias"] == ["quick"]
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "name",
    ["demo", "quick", "demo/demo", "org/model-1.5:free", "many/org/model-1.5:free", "vision-2:0"],
)
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_models_are_found_whatever_their_names_hold(
    door: Door, prefix: str, name: str
) -> None:
    plain = await door.http.get(f"{prefix}/models/{name}")
    escaped = await door.http.get(f"{prefix}/models/{name.replace('/', '%2F')}")

    assert plain.json()["id"] == name
    assert escaped.json() == plain.json()
    assert (await door.create(model=name))["model"] == name


@pytest.mark.parametrize("name", ["nobody", "nobody/demo", "demo/", "vision", "é", "%00"])
async def test_unknown_models_are_not_found(door: Door, name: str) -> None:
    answer = await door.http.get(f"/v1/models/{name}")

    assert answer.status_code == 404
    error = error_of(answer)
    assert (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_endpoint_describes_itself_and_lists_nothing(door: Door, prefix: str) -> None:
    response = await door.create()

    answer = await door.http.get(f"{prefix}/responses")

    described = answer.json()
    assert described["object"] == "endpoint"
    assert described["version"] == __version__
    assert described["methods"] == ["GET", "POST"]
    assert described["capabilities"]["streaming"] is True
    assert "message" in described["input_types"]
    assert response["id"] not in answer.text


async def test_health_and_document_need_no_key(door: Door) -> None:
    for path in ("/health", "/v1/openapi.json", "/v1/openai/openapi.json"):
        answer = await door.http.get(path, headers={"Authorization": ""})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-request-id"]
    assert (await door.http.get("/health")).json() == {
        "status": "ok",
        "version": __version__,
        "queue": {"waiting": 0, "running": 0, "oldest_age_seconds": 0.0},
    }


async def test_metrics_need_no_key_and_tell_the_queue(door: Door) -> None:
    await door.create(background=True)

    answer = await door.http.get("/metrics", headers={"Authorization": ""})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = dict(line.split() for line in answer.text.splitlines() if not line.startswith("#"))
    assert (told["rejoinder_queue_waiting"], told["rejoinder_queue_running"]) == ("1", "0")
    assert 0 <= float(told["rejoinder_queue_oldest_age_seconds"]) < 60


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_queued_response_is_cancelled_and_stays_so(door: Door, prefix: str) -> None:
    queued = await door.create(background=True)
    url = f"{prefix}/responses/{queued['id']}"

    cancelled = await door.http.post(f"{url}/cancel")
    again = await door.http.post(f"{url}/cancel")
    streamed = await door.http.get(url, params={"stream": "true"})

    assert cancelled.json() == again.json() == (await door.http.get(url)).json()
    assert cancelled.json()["status"] == "cancelled"
    events = [event["type"] for event in events_of(streamed)]
    assert events == ["response.created", "response.queued", "response.incomplete"]
    assert events_of(streamed)[-1]["response"] == cancelled.json()


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_deliveries_are_listed_for_their_tenant(door: Door, prefix: str) -> None:
    note = door.app.gateway.background.announcer.log.note
    for attempt in range(1, 31):
        event = {"id": "evt_1"}
        delivery = Delivery("me", "mine", event, attempt, 1_800_000_000 + attempt, "500")
        await note(delivery, expires_at=2_000_000_000)
    url = f"{prefix}/webhook_deliveries"

    some = await door.http.get(url)
    few = await door.http.get(url, params={"limit": 2})
    all_of_them = await door.http.get(url, params={"limit": 100})
    others = await door.http.get(url, headers={"Authorization": f"Bearer {OTHER_KEY}"})

    assert [each["attempt"] for each in few.json()["data"]] == [30, 29]
    assert [len(each.json()["data"]) for each in (some, all_of_them, others)] == [20, 30, 0]
    assert few.json()["data"][0] == {
        "object": "webhook_delivery",
        "webhook": "mine",
        "event": {"id": "evt_1"},
        "attempt": 30,
        "at": 1_800_000_030,
        "outcome": "500",
    }


async def test_a_tool_is_called_and_its_result_answered(door: Door) -> None:
    first = await door.create("Please water the plants.", tools=[FUNCTION])
    call = first["output"][0]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "Done."}
    second = await door.create([result], previous_response_id=first["id"], tools=[FUNCTION])

    assert (call["type"], call["name"], first["output_text"]) == (
        "function_call",
        "water_plants",
        "",
    )
    assert json.loads(call["arguments"]) == {"room": "demo"}
    assert "Done." in second["output_text"]
