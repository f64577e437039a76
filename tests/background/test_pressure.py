"""A full queue, and how full it is: nobody waits without end, and everybody can see it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI, RateLimitError

from tests.background.asking import (
    MAX_WAITING,
    NARROW,
    SILENT,
    STALLING,
    busy,
    ended,
    running,
    slow,
    wait_until,
)
from tests.clients.models import Models
from tests.server import KEY, OTHER_KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

type JSON = Any

WORKERS = 3


@pytest.fixture(scope="module")
def three(upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """A client of a server with three workers."""
    settings = NARROW.replace("workers = 1", f"workers = {WORKERS}").replace(
        f"max_waiting = {MAX_WAITING}", "max_waiting = 100"
    )
    with (
        Server(tmp_path_factory.mktemp("three"), upstream.base_url, settings) as server,
        OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0) as client,
    ):
        yield client


def queue_of(client: OpenAI) -> JSON:
    """What /health says of the queue."""
    return httpx.get(str(client.base_url.join("/health"))).json()["queue"]


def gauges_of(client: OpenAI) -> dict[str, float]:
    """What /metrics says, as Prometheus reads it."""
    told = httpx.get(str(client.base_url.join("/metrics")))
    assert told.headers["content-type"].startswith("text/plain")
    lines = told.text.splitlines()
    gauges = [line.split()[2] for line in lines if line.endswith(" gauge")]
    numbers = dict(line.rsplit(maxsplit=1) for line in lines if not line.startswith("#"))
    return {name: float(numbers[name]) for name in gauges}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_who_would_wait_behind_too_many_is_told_to_come_back(
    narrow_client: OpenAI, models: Models, *, is_streamed: bool
) -> None:
    model = models.saying()
    asked: JSON = {"model": model, "input": "?", "background": True}
    with busy(narrow_client, models):
        waiting = [narrow_client.responses.create(**asked) for _ in range(MAX_WAITING)]

        with pytest.raises(RateLimitError) as raised:
            narrow_client.responses.create(**asked, stream=is_streamed)
        foreground = narrow_client.responses.create(model=model, input="?")

    assert int(raised.value.response.headers["retry-after"]) > 0
    assert raised.value.type == "rate_limit_error"
    assert raised.value.code == "rate_limit_exceeded"
    assert foreground.status == "completed"
    for each in waiting:
        assert ended(narrow_client, each).status == "completed"
    again = narrow_client.responses.create(**asked)
    assert ended(narrow_client, again).status == "completed"
    assert len(models.heard(model)) == MAX_WAITING + 2


def test_who_tries_again_is_let_in_when_there_is_room(
    narrow_client: OpenAI, models: Models
) -> None:
    asked: JSON = {"model": models.saying(), "input": "?", "background": True}
    with busy(narrow_client, models):
        waiting = [narrow_client.responses.create(**asked) for _ in range(MAX_WAITING)]
        with pytest.raises(RateLimitError):
            narrow_client.responses.create(**asked)
    for each in waiting:
        ended(narrow_client, each)

    patient = narrow_client.with_options(max_retries=2)

    assert ended(narrow_client, patient.responses.create(**asked)).status == "completed"


def test_one_tenants_queue_does_not_shut_out_another(
    narrow_server: Server, narrow_client: OpenAI, models: Models
) -> None:
    asked: JSON = {"model": models.saying(), "input": "?", "background": True}
    with (
        busy(narrow_client, models),
        OpenAI(base_url=narrow_server.base_url, api_key=OTHER_KEY, max_retries=0) as other,
    ):
        mine = [narrow_client.responses.create(**asked) for _ in range(MAX_WAITING)]

        theirs = other.responses.create(**asked)

        assert theirs.status == "queued"
        narrow_client.responses.cancel(mine[0].id)
        other.responses.cancel(theirs.id)
    for each in mine:
        ended(narrow_client, each)


def test_what_waits_and_what_runs_is_told(narrow_client: OpenAI, models: Models) -> None:
    asked: JSON = {"model": models.saying(), "input": "?", "background": True}
    wait_until(lambda: queue_of(narrow_client)["running"] == 0)
    idle = queue_of(narrow_client)

    with busy(narrow_client, models):
        waiting = [narrow_client.responses.create(**asked) for _ in range(2)]
        queue, gauges = queue_of(narrow_client), gauges_of(narrow_client)
        later = queue_of(narrow_client)
    for each in waiting:
        ended(narrow_client, each)

    assert idle == {"waiting": 0, "running": 0, "oldest_age_seconds": 0}
    assert (queue["waiting"], queue["running"]) == (2, 1)
    assert gauges["rejoinder_queue_waiting"] == 2
    assert gauges["rejoinder_queue_running"] == 1
    assert 0 < queue["oldest_age_seconds"] < 30
    assert later["oldest_age_seconds"] > queue["oldest_age_seconds"]
    assert gauges["rejoinder_queue_oldest_age_seconds"] >= queue["oldest_age_seconds"] - 0.001


def test_no_more_run_at_a_time_than_there_are_workers(three: OpenAI, models: Models) -> None:
    model = models.saying(*[STALLING] * WORKERS, slow("One, ", "two, ", "three."))
    most = [0]

    queued = [
        three.responses.create(model=model, input="?", background=True).id
        for _ in range(4 * WORKERS)
    ]

    def begun() -> list[str]:
        return [each for each in queued if three.responses.retrieve(each).status == "in_progress"]

    wait_until(lambda: len(begun()) == WORKERS)
    queue = queue_of(three)
    for each in begun():
        three.responses.cancel(each)
    while queue_of(three)["waiting"]:
        most.append(models.upstream.open_streams)
    statuses = Counter(ended(three, each).status for each in queued)

    assert (queue["running"], queue["waiting"]) == (WORKERS, 3 * WORKERS)
    assert statuses == {"cancelled": WORKERS, "completed": 3 * WORKERS}
    assert max(most) <= WORKERS


def test_those_who_stall_leave_the_other_workers_free(three: OpenAI, models: Models) -> None:
    stuck = [running(three, models, models.saying(SILENT)) for _ in range(WORKERS - 1)]

    quick = [
        three.responses.create(model=models.saying(), input="?", background=True) for _ in range(5)
    ]

    assert {ended(three, each).status for each in quick} == {"completed"}
    for each in stuck:
        assert three.responses.cancel(each.id).status == "cancelled"
