"""A process that dies while a response has the lock: nobody waits for it for long."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from rejoinder.conversation_locks import LEASE_SECONDS
from rejoinder.storage.conversations import ConversationStore
from tests.api.door import Door, error_of
from tests.background.asking import SETTINGS, STALLING, WORDS, ended, running, slow
from tests.clients.models import Models
from tests.conversations.saying import begun, said
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import text
from tests.upstreams.chat_troubles import Stall

type JSON = Any

TENANT = "me"  # whose key the door's client has


@pytest.fixture
def mortal(upstream: ChatUpstream, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, upstream.base_url, SETTINGS) as server:
        yield server


@pytest.fixture
def its_client(mortal: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=mortal.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def test_a_foreground_response_that_was_killed_leaves_a_free_conversation(
    mortal: Server, its_client: OpenAI, models: Models
) -> None:
    conversation_id = begun(its_client, "Tea!")
    stream = its_client.responses.create(
        model=models.saying(STALLING), input="Count!", conversation=conversation_id, stream=True
    )
    next(event for event in stream if event.type == "response.output_text.delta")

    mortal.kill()
    stream.close()
    mortal.start()

    assert said(its_client, conversation_id) == ["Tea!"]
    its_client.responses.create(
        model=models.saying(text("Free.")), input="Now?", conversation=conversation_id
    )
    assert said(its_client, conversation_id) == ["Tea!", "Now?", "Free."]


def test_a_background_response_that_was_killed_goes_on_and_is_said_once(
    mortal: Server, its_client: OpenAI, models: Models
) -> None:
    silent = slow(*WORDS).troubled(Stall(2, 60.0))
    model, conversation_id = models.saying(silent, slow(*WORDS)), begun(its_client, "Tea!")
    response = running(its_client, models, model, conversation=conversation_id)

    mortal.kill()
    mortal.start()

    assert ended(its_client, response).status == "completed"
    assert said(its_client, conversation_id) == ["Tea!", "Count!", "".join(WORDS)]


async def begin(door: Door) -> str:
    answer = await door.http.post("/v1/conversations")
    return str(answer.json()["id"])


async def texts(door: Door, conversation_id: str) -> list[str]:
    answer = await door.http.get(f"/v1/conversations/{conversation_id}/items?order=asc")
    return [item["content"][0]["text"] for item in answer.json()["data"]]


async def lock(door: Door, conversation_id: str, owner: str, lease_seconds: float) -> None:
    """Own a conversation, as a process would that died in this moment."""
    store = conversations(door)
    version = (await store.get(TENANT, conversation_id)).version
    await store.lock(TENANT, conversation_id, owner, version=version, lease_seconds=lease_seconds)


def conversations(door: Door) -> ConversationStore:
    return door.app.gateway.conversations.store


async def test_who_was_never_kept_has_the_lock_until_the_lease_runs_out(door: Door) -> None:
    conversation_id = await begin(door)
    asked: JSON = {"model": "demo", "input": "Hi.", "conversation": conversation_id}
    await lock(door, conversation_id, "resp_dead", LEASE_SECONDS)

    locked = await door.http.post("/v1/responses", json=asked)
    store = conversations(door)
    await store.renew(TENANT, conversation_id, "resp_dead", lease_seconds=0.0)
    free = await door.http.post("/v1/responses", json=asked)

    assert locked.status_code == 400
    assert error_of(locked)["code"] == "conversation_locked"
    assert free.status_code == 200
    assert (await texts(door, conversation_id))[0] == "Hi."


@pytest.mark.parametrize("use", ["list", "ask"])
async def test_what_was_kept_but_not_finished_is_done_by_the_next(door: Door, use: str) -> None:
    conversation_id = await begin(door)
    kept = await door.create("Before.")  # it has ended, and died before it finished
    await lock(door, conversation_id, kept["id"], LEASE_SECONDS)

    if use == "ask":
        await door.create("After.", conversation=conversation_id)

    found = await texts(door, conversation_id)
    assert found[:2] == ["Before.", kept["output_text"]]
    assert found[2:3] == (["After."] if use == "ask" else [])


async def test_what_failed_and_kept_the_lock_is_gone_at_once(door: Door) -> None:
    conversation_id = await begin(door)
    queued = await door.create("Never.", background=True)  # nobody works behind the door
    await door.http.post(f"/v1/responses/{queued['id']}/cancel")
    await lock(door, conversation_id, queued["id"], LEASE_SECONDS)

    assert await texts(door, conversation_id) == []
    await door.create("After.", conversation=conversation_id)

    assert (await texts(door, conversation_id))[0] == "After."
