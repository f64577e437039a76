"""Webhooks as receivers meet them: the real server tells, the official client verifies."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from openai.types.responses import Response

from tests.background.asking import STALLING, busy, ended, running, wait_until
from tests.background.hooks import Hooks, Told
from tests.clients.models import Models
from tests.server import KEY, OTHER_KEY, Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, Scripted, failure, text

type JSON = Any

SECRET = f"whsec_{b64encode(b'known to both, told to nobody').decode()}"
OTHER_SECRET = "words that the other one knows"
PROMPT, OUTPUT = "prompt-nobody-may-tell", "output-nobody-may-tell"
SETTINGS = """
retries = 0

[background]
workers = 1

[webhooks.every]
tenant = "dev"
url = "{url}/200/every?token=part-of-the-address"
secret = "{secret}"
may_be_local = true

[webhooks.bad-news]
tenant = "dev"
url = "{url}/204/bad-news"
secret = "{secret}"
outcomes = ["response.failed", "response.cancelled"]
may_be_local = true

[webhooks.moved]
tenant = "dev"
url = "{url}/307/moved"
secret = "{secret}"
outcomes = ["response.incomplete"]
may_be_local = true

[webhooks.broken]
tenant = "dev"
url = "{url}/500/broken"
secret = "{secret}"
outcomes = ["response.incomplete"]
may_be_local = true

[webhooks.inside]
tenant = "dev"
url = "https://localhost/200/inside"
secret = "{secret}"
outcomes = ["response.incomplete"]

[webhooks.others]
tenant = "other"
url = "{url}/200/others"
secret_env = "HOOK_OF_OTHERS"
may_be_local = true
"""
EVERY = "/200/every?token=part-of-the-address"


@pytest.fixture(scope="module")
def hooks() -> Iterator[Hooks]:
    with Hooks() as hooks:
        yield hooks


@pytest.fixture(scope="module")
def server(
    upstream: ChatUpstream, hooks: Hooks, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = SETTINGS.format(url=hooks.url, secret=SECRET)
    folder, env = tmp_path_factory.mktemp("webhooks"), {"HOOK_OF_OTHERS": OTHER_SECRET}
    with Server(folder, upstream.base_url, settings, env=env) as server:
        yield server
    for word in (SECRET, OTHER_SECRET, PROMPT, OUTPUT, "part-of-the-address", "whsec_"):
        assert word not in server.log
    assert "Traceback" not in server.log, server.log


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=server.base_url, api_key=KEY, max_retries=0, webhook_secret=SECRET
    ) as client:
        yield client


@pytest.fixture(scope="module")
def other_client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=server.base_url, api_key=OTHER_KEY, max_retries=0, webhook_secret=OTHER_SECRET
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ('url = "http://receiver.example/hook"', "webhooks.mine"),
        ('url = "https://receiver.example/hook"\noutcomes = ["response.gone"]', "outcomes"),
        ('url = "https://receiver.example/hook"\nsecret = "too short"', "secret"),
        ('url = "https://receiver.example/hook"\nsecret_env = "NO_SUCH"', "names NO_SUCH, which"),
        (
            'url = "https://receiver.example/hook"\nsecret_env = "SHORT"',
            "names SHORT, which has fewer",
        ),
        ('url = "https://receiver.example/hook"\nretries = 3', "retries"),
    ],
)
def test_a_webhook_that_is_set_up_wrongly_is_told_at_the_start(
    tmp_path: Path, change: str, complaint: str
) -> None:
    secret = "" if "secret" in change else f'secret = "{SECRET}"\n'

    with pytest.raises(RuntimeError, match="cannot start") as raised:
        Server(
            tmp_path,
            config_extra=f'[webhooks.mine]\ntenant = "dev"\n{secret}{change}',
            env={"SHORT": "too short"},
        ).start()

    assert complaint in str(raised.value)
    assert "too short" not in str(raised.value)
    assert SECRET not in str(raised.value)


def made(client: OpenAI, model: str, **more: JSON) -> Response:
    """A background response that has ended."""
    queued = client.responses.create(model=model, input=PROMPT, background=True, **more)
    return ended(client, queued)


def told_of(hooks: Hooks, path: str, response: Response) -> Told:
    """What a receiver was told of a response, once it was."""
    wait_until(lambda: hooks.at(path, response.id) != [])
    [told] = hooks.at(path, response.id)
    return told


def deliveries(client: OpenAI, response: Response) -> list[JSON]:
    """The attempts that are logged of a response, newest first."""
    listed: JSON = client.get("/webhook_deliveries?limit=100", cast_to=object)
    return [each for each in listed["data"] if each["event"]["data"]["id"] == response.id]


ENDS: Mapping[str, Scripted] = {
    "completed": text(OUTPUT),
    "incomplete": text(OUTPUT).ending("length"),
    "failed": failure(500),
}


@pytest.mark.parametrize("status", ENDS)
def test_each_end_is_told_and_verified_by_the_official_client(
    client: OpenAI, hooks: Hooks, models: Models, status: str
) -> None:
    response = made(client, models.saying(ENDS[status]))

    told = told_of(hooks, EVERY, response)

    assert response.status == status
    event: JSON = client.webhooks.unwrap(told.body, told.headers)
    assert event.type == f"response.{status}"
    assert event.data.id == response.id
    assert abs(event.created_at - time.time()) < 60
    assert told.headers["webhook-id"] == event.id
    assert told.headers["content-type"] == "application/json"
    assert told.headers["user-agent"] == "rejoinder"
    assert abs(int(told.headers["webhook-timestamp"]) - time.time()) < 60
    assert json.loads(told.body).keys() == {"id", "object", "type", "created_at", "data"}
    assert "authorization" not in told.headers


def test_what_was_changed_on_the_way_is_not_verified(
    client: OpenAI, hooks: Hooks, models: Models
) -> None:
    told = told_of(hooks, EVERY, made(client, models.saying()))

    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(told.body.replace("completed", "cancelled"), told.headers)
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(told.body, told.headers, secret=OTHER_SECRET)


def test_that_one_was_cancelled_is_told(client: OpenAI, hooks: Hooks, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))
    client.responses.cancel(response.id)

    for path in (EVERY, "/204/bad-news"):
        told = told_of(hooks, path, response)
        assert client.webhooks.unwrap(told.body, told.headers).type == "response.cancelled"


def test_that_one_was_cancelled_in_the_queue_is_told_too(
    client: OpenAI, hooks: Hooks, models: Models
) -> None:
    with busy(client, models):
        queued = client.responses.create(model=models.saying(), input="?", background=True)
        client.responses.cancel(queued.id)

    told = told_of(hooks, EVERY, queued)

    assert client.webhooks.unwrap(told.body, told.headers).type == "response.cancelled"


def test_a_streamed_response_is_told_as_well(client: OpenAI, hooks: Hooks, models: Models) -> None:
    with client.responses.create(
        model=models.saying(), input="?", background=True, stream=True
    ) as stream:
        *_, last = stream
    assert last.type == "response.completed"

    assert told_of(hooks, EVERY, last.response)


def test_only_the_outcomes_asked_for_are_told(client: OpenAI, hooks: Hooks, models: Models) -> None:
    good = made(client, models.saying())
    bad = made(client, models.saying(failure(500)))

    assert told_of(hooks, "/204/bad-news", bad)
    assert told_of(hooks, EVERY, good)
    assert hooks.at("/204/bad-news", good.id) == []


def test_each_tenant_has_webhooks_of_its_own(
    client: OpenAI, other_client: OpenAI, hooks: Hooks, models: Models
) -> None:
    mine = made(client, models.saying())
    theirs = made(other_client, models.saying())

    told = told_of(hooks, "/200/others", theirs)

    assert other_client.webhooks.unwrap(told.body, told.headers).type == "response.completed"
    assert told_of(hooks, EVERY, mine)
    assert hooks.at("/200/others", mine.id) == hooks.at(EVERY, theirs.id) == []
    assert [each["webhook"] for each in deliveries(other_client, theirs)] == ["others"]
    assert deliveries(client, theirs) == deliveries(other_client, mine) == []


def test_of_foreground_responses_nothing_is_told(
    client: OpenAI, hooks: Hooks, models: Models
) -> None:
    plain = client.responses.create(model=models.saying(), input="?")
    with client.responses.stream(model=models.saying(), input="?") as stream:
        streamed = stream.get_final_response()

    later = made(client, models.saying())

    assert told_of(hooks, EVERY, later)
    assert [each for each in hooks.told if plain.id in each.body or streamed.id in each.body] == []


def test_of_what_was_deleted_nothing_is_told(client: OpenAI, hooks: Hooks, models: Models) -> None:
    response = running(client, models, models.saying(STALLING))
    client.responses.delete(response.id)

    later = made(client, models.saying())

    assert told_of(hooks, EVERY, later)
    assert [each for each in hooks.told if response.id in each.body] == []


def test_the_log_tells_what_became_of_each(client: OpenAI, hooks: Hooks, models: Models) -> None:
    said: Reply = text("Once ", "upon").ending("length")
    response = made(client, models.saying(said))

    wait_until(lambda: len(deliveries(client, response)) >= 4)

    found = {each["webhook"]: each for each in deliveries(client, response)}
    assert {name: each["outcome"] for name, each in found.items()} == {
        "every": "200",
        "moved": "307",
        "broken": "500",
        "inside": "its address is not public",
    }
    told = told_of(hooks, EVERY, response)
    assert {json.dumps(each["event"], sort_keys=True) for each in found.values()} == {
        json.dumps(json.loads(told.body), sort_keys=True)
    }
    assert {each["attempt"] for each in found.values()} == {1}
    assert {each["object"] for each in found.values()} == {"webhook_delivery"}
    assert "part-of-the-address" not in json.dumps(list(found.values()))


def test_nobody_is_told_whom_a_receiver_names_or_who_is_inside(
    client: OpenAI, hooks: Hooks, models: Models
) -> None:
    response = made(client, models.saying(text("Once ").ending("length")))

    wait_until(lambda: len(deliveries(client, response)) >= 4)

    assert len(hooks.at("/307/moved", response.id)) == 1
    assert hooks.at("/200/elsewhere", response.id) == hooks.at("/200/inside", response.id) == []


def test_the_newest_deliveries_come_first_and_no_more_than_asked_for(
    client: OpenAI, models: Models
) -> None:
    first = made(client, models.saying())
    wait_until(lambda: deliveries(client, first) != [])
    second = made(client, models.saying())
    wait_until(lambda: deliveries(client, second) != [])

    listed: JSON = client.get("/webhook_deliveries?limit=2", cast_to=object)

    assert listed["object"] == "list"
    assert len(listed["data"]) == 2
    about = [each["event"]["data"]["id"] for each in listed["data"]]
    assert about[0] == second.id


def test_a_receiver_that_fails_is_told_again_under_the_same_id(
    client: OpenAI, hooks: Hooks, models: Models
) -> None:
    response = made(client, models.saying(text("Once ").ending("length")))

    wait_until(lambda: len(hooks.at("/500/broken", response.id)) == 2)

    first, second = hooks.at("/500/broken", response.id)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    for told in (first, second):
        assert client.webhooks.unwrap(told.body, told.headers).type == "response.incomplete"
