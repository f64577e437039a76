"""Objects in the bucket: with moto, and with a scripted S3 for its troubles."""

import httpx
import pytest

from rejoinder.aws.bucket import Bucket
from rejoinder.aws.client import AwsError
from rejoinder.aws.credentials import Credentials
from rejoinder.errors import Unavailable
from tests.storage.moto_server import ENV, REGION, Aws
from tests.unit.aws.scripted import Said, Scripted

NO_SUCH_KEY = b"<?xml?><Error><Code>NoSuchKey</Code><Message>None.</Message></Error>"


def bucket(transport: httpx.AsyncBaseTransport, endpoint: str | None) -> Bucket:
    credentials = Credentials(ENV, transport)
    return Bucket(transport, credentials, name="ours", region=REGION, endpoint=endpoint)


class Noting(httpx.AsyncBaseTransport):
    """Notes where requests would go."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        return httpx.Response(200)


@pytest.mark.parametrize(
    "key",
    [
        "acme/resp_1/body-1",
        "Tromsø 🌌/resp_1/a b",
        "%23/+&=?#'\"<>/~_-.",
        "a//b",
        "a/.../b",
        "a/.b",
    ],
)
async def test_an_object_is_kept_under_its_key(aws: Aws, key: str) -> None:
    content = bytes(range(256))

    await aws.bucket.put(key, content)

    assert await aws.bucket.get(key) == content
    assert await aws.bucket.delete_prefix(key) == 1
    assert await aws.bucket.get(key) is None


async def test_what_is_not_there_is_none_and_may_be_deleted(aws: Aws) -> None:
    assert await aws.bucket.get("acme/resp_1/body") is None
    await aws.bucket.delete("acme/resp_1/body")


async def test_an_object_that_is_deleted_is_gone(aws: Aws) -> None:
    for name in ("one", "two"):
        await aws.bucket.put(f"acme/resp_1/{name}", b"x")

    await aws.bucket.delete("acme/resp_1/one")

    assert await aws.bucket.get("acme/resp_1/one") is None
    assert await aws.bucket.get("acme/resp_1/two") == b"x"


async def test_what_begins_otherwise_is_not_deleted(aws: Aws) -> None:
    for response in ("resp_1", "resp_10", "resp_2"):
        for name in ("body", "events-1"):
            await aws.bucket.put(f"acme/{response}/{name}", b"x")

    assert await aws.bucket.delete_prefix("acme/resp_1/") == 2
    assert await aws.bucket.delete_prefix("acme/resp_1/") == 0

    assert await aws.bucket.get("acme/resp_1/body") is None
    assert await aws.bucket.get("acme/resp_10/body") == b"x"
    assert await aws.bucket.get("acme/resp_2/body") == b"x"


async def test_more_than_a_page_can_be_deleted(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoinder.aws.bucket.MAX_LISTED", 3)
    for number in range(8):
        await aws.bucket.put(f"acme/resp_1/{number}", b"x")

    assert await aws.bucket.delete_prefix("acme/resp_1/") == 8


@pytest.mark.parametrize("key", ["../other/resp_1/body", "acme/./body", "..", "acme/.."])
async def test_a_key_that_a_url_would_change_is_refused(aws: Aws, key: str) -> None:
    with pytest.raises(ValueError, match="no key of ours"):
        await aws.bucket.put(key, b"x")


async def test_in_aws_a_bucket_has_a_host_of_its_own() -> None:
    noting = Noting()

    await bucket(noting, None).put("acme/resp_1/a b", b"x")

    assert noting.urls == [f"https://ours.s3.{REGION}.amazonaws.com/acme/resp_1/a%20b"]


async def test_elsewhere_it_is_a_part_of_the_path() -> None:
    noting = Noting()

    await bucket(noting, "http://127.0.0.1:5000").put("acme/resp_1/body", b"x")

    assert noting.urls == ["http://127.0.0.1:5000/ours/acme/resp_1/body"]


async def test_what_may_pass_is_tried_again(transport: httpx.AsyncHTTPTransport) -> None:
    busy = Said(503, b"<Error><Code>SlowDown</Code></Error>")
    with Scripted(busy, "reset", Said(body=b"content")) as server:
        assert await bucket(transport, server.url).get("key") == b"content"

    assert len(server.requests) == 3


async def test_a_refusal_has_a_name(transport: httpx.AsyncHTTPTransport) -> None:
    denied = Said(403, b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>")
    with Scripted(denied) as server, pytest.raises(AwsError, match="AccessDenied: No"):
        await bucket(transport, server.url).get("key")


async def test_a_refusal_without_a_name_is_unavailable(
    transport: httpx.AsyncHTTPTransport,
) -> None:
    with Scripted(Said(502, b"\xff")) as server, pytest.raises(Unavailable):
        await bucket(transport, server.url).put("key", b"")
