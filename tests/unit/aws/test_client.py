"""Calls of a service: what is sent, what is sent again, and what becomes of failures."""

import asyncio
import logging
from datetime import datetime, timedelta
from email.utils import formatdate
from time import time
from typing import Any

import httpx
import pytest

from rejoinder.aws.client import AwsError, Service, endpoint_of
from rejoinder.aws.credentials import Credentials
from rejoinder.errors import Unavailable
from tests.storage.moto_server import ENV, REGION
from tests.unit.aws.scripted import Said, Scripted, Trouble, refused
from tests.upstreams.connection import HttpRequest

type JSON = Any

ATTEMPTS = 4
SECRET = "nobody may read this"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoinder.aws.exchange.WAITS_SECONDS", (0.01,) * (ATTEMPTS - 1))
    monkeypatch.setattr("rejoinder.aws.exchange.READ_SECONDS", 0.2)


def service(transport: httpx.AsyncHTTPTransport, endpoint: str, name: str = "dynamodb") -> Service:
    credentials = Credentials(ENV, transport)
    return Service(transport, credentials, name=name, region=REGION, endpoint=endpoint)


async def call(transport: httpx.AsyncHTTPTransport, server: Scripted) -> JSON:
    return await service(transport, server.url).call("GetItem", {"Key": SECRET})


# What is sent.


@pytest.mark.parametrize(
    ("name", "content_type", "target"),
    [
        ("dynamodb", "application/x-amz-json-1.0", "DynamoDB_20120810.Do"),
        ("sqs", "application/x-amz-json-1.0", "AmazonSQS.Do"),
        ("secretsmanager", "application/x-amz-json-1.1", "secretsmanager.Do"),
    ],
)
async def test_each_service_is_spoken_to_in_its_own_version(
    transport: httpx.AsyncHTTPTransport, name: str, content_type: str, target: str
) -> None:
    with Scripted(Said(body={"Count": 1})) as server:
        said = await service(transport, server.url, name).call("Do", {"a": "é"})

    (request,) = server.requests
    assert said == {"Count": 1}
    assert (request.method, request.path, request.json) == ("POST", "/", {"a": "é"})
    assert request.headers["content-type"] == content_type
    assert request.headers["x-amz-target"] == target
    assert f"/{REGION}/{name}/aws4_request, " in request.headers["authorization"]


async def test_calls_share_a_connection(transport: httpx.AsyncHTTPTransport) -> None:
    with Scripted(Said()) as server:
        client = service(transport, server.url)
        for _ in range(5):
            await client.call("GetItem", {})

    assert server.connections == 1


async def test_an_empty_reply_is_an_empty_object(transport: httpx.AsyncHTTPTransport) -> None:
    with Scripted(Said(body=b"")) as server:
        assert await call(transport, server) == {}


async def test_every_call_that_worked_is_told(transport: httpx.AsyncHTTPTransport) -> None:
    told: list[tuple[str, str, JSON, JSON]] = []
    with Scripted(refused("SlowDown"), Said(body={"Count": 1}), refused("No")) as server:
        client = service(transport, server.url)
        client.on_call = lambda *each: told.append(each)
        await client.call("Query", {"Limit": 1})
        with pytest.raises(AwsError):
            await client.call("Query", {"Limit": 2})

    assert told == [("dynamodb", "Query", {"Limit": 1}, {"Count": 1})]


@pytest.mark.parametrize(
    ("region", "env", "endpoint"),
    [
        ("eu-central-1", {}, "https://sqs.eu-central-1.amazonaws.com"),
        ("cn-north-1", {}, "https://sqs.cn-north-1.amazonaws.com.cn"),
        ("eu-central-1", {"AWS_ENDPOINT_URL": "http://a"}, "http://a"),
        (
            "eu-central-1",
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_SQS": "http://b"},
            "http://b",
        ),
        (
            "eu-central-1",
            {"AWS_ENDPOINT_URL_S3": "http://c"},
            endpoint_of("sqs", "eu-central-1", {}),
        ),
    ],
)
def test_an_endpoint_may_be_elsewhere(region: str, env: dict[str, str], endpoint: str) -> None:
    assert endpoint_of("sqs", region, env) == endpoint


def test_each_service_has_a_name_of_its_own_in_the_environment() -> None:
    assert endpoint_of("secretsmanager", REGION, {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "u"}) == "u"


# What is sent again.


@pytest.mark.parametrize(
    "failure",
    [
        refused("ProvisionedThroughputExceededException"),
        refused("ThrottlingException"),
        refused("InternalServerError", 500),
        Said(503, b"<html>busy</html>"),
        Said(403, b"<html>who are you?</html>"),
        Said(400, ["no object"]),
        "reset",
        "closed",
        "silent",
        "cut",
    ],
    ids=str,
)
async def test_what_may_pass_is_tried_again(
    transport: httpx.AsyncHTTPTransport, failure: Said | Trouble
) -> None:
    with Scripted(failure, failure, Said(body={"Count": 1})) as server:
        assert await call(transport, server) == {"Count": 1}

    assert len(server.requests) == 3
    assert {request.raw for request in server.requests} == {server.requests[0].raw}


async def test_a_refusal_is_told_by_its_name_and_is_final(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    body = {"__type": "a.b#ConditionalCheckFailedException", "Message": "No.", "Item": {}}
    with Scripted(Said(400, body)) as server, pytest.raises(AwsError) as failed:
        await call(transport, server)

    assert len(server.requests) == 1
    assert failed.value.code == "ConditionalCheckFailedException"
    assert (failed.value.message, failed.value.body) == ("No.", body)


async def test_a_name_without_a_namespace_is_a_name(transport: httpx.AsyncHTTPTransport) -> None:
    said = Said(400, {"__type": "ResourceNotFoundException"})
    with Scripted(said) as server, pytest.raises(AwsError, match="ResourceNotFoundException"):
        await call(transport, server)


# What becomes of failures.


@pytest.mark.parametrize(
    "failure", [refused("ThrottlingException"), Said(500), "reset", "silent"], ids=str
)
async def test_what_does_not_pass_is_told_to_clients_as_unavailable(
    transport: httpx.AsyncHTTPTransport, failure: Said | Trouble
) -> None:
    with Scripted(failure) as server, pytest.raises(Unavailable) as failed:
        await call(transport, server)

    assert len(server.requests) == ATTEMPTS
    assert failed.value.body()["type"] == "server_error"
    assert failed.value.status == 503
    assert isinstance(failed.value.__cause__, AwsError | httpx.HTTPError)


async def test_a_service_that_is_not_there_is_unavailable(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    with Scripted(Said()) as server:
        gone = server.url

    with pytest.raises(Unavailable):
        await service(transport, gone).call("GetItem", {})


async def test_a_reply_that_is_no_json_is_unavailable(transport: httpx.AsyncHTTPTransport) -> None:
    with Scripted(Said(body=b"<html>")) as server, pytest.raises(Unavailable):
        await call(transport, server)


async def test_without_credentials_a_service_is_unavailable(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    nobody = Credentials({}, transport)
    with Scripted(Said()) as server, pytest.raises(Unavailable):
        await Service(transport, nobody, name="sqs", region=REGION, endpoint=server.url).call(
            "SendMessage", {}
        )

    assert server.requests == []


async def test_who_stops_waiting_stops_asking(transport: httpx.AsyncHTTPTransport) -> None:
    with Scripted("silent") as server:
        asking = asyncio.create_task(call(transport, server))
        await asyncio.wait({asking}, timeout=0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert len(server.requests) <= 1


async def test_what_is_said_is_never_logged(
    transport: httpx.AsyncHTTPTransport, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.DEBUG, "rejoinder"),
        Scripted(refused("ThrottlingException")) as server,
        pytest.raises(Unavailable),
    ):
        await call(transport, server)

    records = [record for record in caplog.records if record.name == "rejoinder"]
    assert [record.levelname for record in records] == 3 * ["INFO"] + ["WARNING"]
    assert {vars(record)["why"] for record in records} == {"ThrottlingException"}
    assert SECRET not in " ".join(str(vars(record)) for record in records)


# Clocks.


async def test_who_is_told_that_his_clock_is_wrong_signs_by_the_services(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    theirs = time() + 3600
    wrong = refused("InvalidSignatureException", date=formatdate(theirs, usegmt=True))
    with Scripted(wrong, Said()) as server:
        client = service(transport, server.url)
        await client.call("GetItem", {})
        await client.call("GetItem", {})

    first, *others = (signed_at(request) for request in server.requests)
    assert all(timedelta(minutes=59) < each - first < timedelta(minutes=61) for each in others)


def signed_at(request: HttpRequest) -> datetime:
    return datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%S%z")


async def test_a_clock_is_set_once(transport: httpx.AsyncHTTPTransport) -> None:
    wrong = refused("RequestTimeTooSkewed", date=formatdate(time() + 3600, usegmt=True))
    with Scripted(wrong) as server, pytest.raises(AwsError, match="RequestTimeTooSkewed"):
        await call(transport, server)

    assert len(server.requests) == 2


@pytest.mark.parametrize("says_time", [False, True])
async def test_a_wrong_signature_is_final_if_the_clock_is_right(
    transport: httpx.AsyncHTTPTransport, says_time: bool
) -> None:
    wrong = refused("InvalidSignatureException")
    if says_time:
        wrong = refused("InvalidSignatureException", date=formatdate(usegmt=True))
    with Scripted(wrong) as server, pytest.raises(AwsError, match="InvalidSignature"):
        await call(transport, server)

    assert len(server.requests) == 1
