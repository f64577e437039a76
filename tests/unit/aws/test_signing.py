"""Signatures, compared with those of botocore's signer over requests of every kind."""

from collections.abc import Mapping
from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoinder.aws.signing import UNRESERVED, AccessKey, Scope, Unsigned, signed_headers

AT = datetime(2026, 11, 22, 4, 5, 6, tzinfo=UTC)
HOST = "dynamodb.eu-central-1.amazonaws.com"

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
HEADER_VALUES = st.text("abcXYZ0189-_./;=#  ", min_size=1, max_size=20)
HEADERS = st.dictionaries(
    st.from_regex(r"x-[a-z]{1,8}", fullmatch=True) | st.just("content-type"),
    HEADER_VALUES,
    max_size=4,
)
SEGMENTS = st.lists(TEXT.filter(lambda text: text not in ("", ".", "..")), max_size=4)
ACCESS_KEYS = st.builds(
    AccessKey,
    st.from_regex(r"A[A-Z0-9]{3,19}", fullmatch=True),
    st.text("abcXYZ019+/", min_size=1, max_size=40),
    st.just("") | st.text("abcXYZ019+/=", min_size=1, max_size=60),
)
SCOPES = st.builds(
    Scope,
    st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    st.sampled_from(["dynamodb", "sqs", "secretsmanager", "s3"]),
)
REQUESTS = st.builds(
    Unsigned,
    st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    SEGMENTS.map(
        lambda segments: "/" + "/".join(quote(each, safe=UNRESERVED) for each in segments)
    ),
    st.dictionaries(TEXT.filter(bool), TEXT, max_size=4),
    HEADERS,
    st.binary(max_size=200),
)


def botocores(request: Unsigned, key: AccessKey, scope: Scope) -> Mapping[str, str]:
    """The headers, as botocore would send them at the same time."""
    query = f"?{request.query_string}" if request.query else ""
    asked = AWSRequest(
        request.method,
        f"https://{HOST}{request.path}{query}",
        headers=dict(request.headers),
        data=request.body,
    )
    signer = S3SigV4Auth if scope.service == "s3" else SigV4Auth
    credentials = Credentials(key.id, key.secret, key.session_token or None)
    with patch("botocore.auth.get_current_datetime", return_value=AT):
        signer(credentials, scope.service, scope.region).add_auth(asked)
    return {name.lower(): value for name, value in asked.headers.items()}


@settings(deadline=None, max_examples=500)
@given(request=REQUESTS, key=ACCESS_KEYS, scope=SCOPES)
def test_every_request_is_signed_as_botocore_signs_it(
    request: Unsigned, key: AccessKey, scope: Scope
) -> None:
    headers = signed_headers(request, HOST, key, scope, at=AT.timestamp())

    assert headers == {**botocores(request, key, scope), "host": HOST}


@pytest.mark.parametrize("path", ["/a//b", "//", "/a/../b/./c", "/a%20b/~", "/a/%2E%2E"])
def test_s3_takes_a_path_as_it_is(path: str) -> None:
    request, key, scope = Unsigned("PUT", path), AccessKey("AKID", "s"), Scope("us-east-1", "s3")

    headers = signed_headers(request, HOST, key, scope, at=AT.timestamp())

    assert headers == {**botocores(request, key, scope), "host": HOST}


@settings(deadline=None)
@given(key=ACCESS_KEYS, scope=SCOPES)
def test_keys_of_other_days_and_places_differ(key: AccessKey, scope: Scope) -> None:
    request = Unsigned("POST")
    other = Scope("eu-west-3", scope.service)

    signatures = {
        signed_headers(request, HOST, key, each, at=at)["authorization"].rpartition("=")[2]
        for each in (scope, other)
        for at in (AT.timestamp(), AT.timestamp() + 86400)
    }

    assert len(signatures) == 4


def test_no_secret_is_shown() -> None:
    assert "hidden" not in repr(AccessKey("AKID", "hidden", "hidden"))
