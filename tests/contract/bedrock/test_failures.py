"""Every failure of the scripted Bedrock, before and after the first word (contract §6.4)."""

import pytest

from tests.contract.bedrock.door import CLAUDE, Door, said
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import failure, text

ROWS = [
    (400, "ValidationException", "Bad things.", 400, None),
    (
        400,
        "ValidationException",
        "Input is too long for requested model.",
        400,
        "context_length_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: prompt is too long: 9 tokens > 8 maximum",
        400,
        "context_length_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The provided model identifier is invalid.",
        400,
        "model_not_found",
    ),
    (
        400,
        "ValidationException",
        "The tool 'model_of_car' not found; the tool \"context window\" neither.",
        400,
        None,
    ),
    (400, "ValidationException", "toolUse.name is too long", 400, None),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/x is not authorized",
        403,
        "model_access_denied",
    ),
    (404, "ResourceNotFoundException", "Model use case details …", 400, "model_not_found"),
    (429, "ThrottlingException", "Too many requests", 429, "rate_limit_exceeded"),
    (429, "ModelNotReadyException", "Not yet", 429, "rate_limit_exceeded"),
    (400, "ServiceQuotaExceededException", "Over", 429, "rate_limit_exceeded"),
    (408, "ModelTimeoutException", "Slow", 503, "upstream_timeout"),
    (424, "ModelErrorException", "Broke", 503, "upstream_unavailable"),
    (424, "ModelStreamErrorException", "Broke", 503, "upstream_unavailable"),
    (500, "InternalServerException", "Oops", 503, "upstream_unavailable"),
    (503, "ServiceUnavailableException", "Busy", 503, "overloaded"),
    (403, "ExpiredTokenException", "The security token has expired", 500, "upstream_auth"),
    (502, "SomethingNew", "A proxy's", 503, "upstream_unavailable"),
]


@pytest.mark.parametrize("in_header", [True, False])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[1]} {row[2]}")
async def test_a_refusal_before_the_first_word_is_an_http_error(
    bedrock: BedrockUpstream, asked: Door, row: tuple[int, str, str, int, str], in_header: bool
) -> None:
    status, kind, message, ours, code = row
    bedrock.on(CLAUDE, failure(status, kind, message, in_header=in_header))

    for streamed in (True, False):
        got, error = await asked.refused(CLAUDE, stream=streamed)
        assert (got, error["code"]) == (ours, code)
        assert "arn:" not in error["message"]


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("throttlingException", 429),
        ("validationException", 400),
        ("internalServerException", 503),
        ("modelStreamErrorException", 503),
        ("serviceUnavailableException", 503),
        ("somethingNewException", 503),
    ],
)
async def test_an_exception_that_is_the_streams_first_word_is_an_http_error_too(
    bedrock: BedrockUpstream, asked: Door, kind: str, ours: int
) -> None:
    bedrock.on(CLAUDE, text("Hi").raising(0, kind))

    status, _ = await asked.refused(CLAUDE, stream=True)

    assert status == ours


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttlingException", "rate_limit_exceeded"),
        ("validationException", "server_error"),
        ("internalServerException", "server_error"),
        ("modelStreamErrorException", "server_error"),
        ("serviceUnavailableException", "server_error"),
    ],
)
async def test_an_exception_in_the_middle_is_told_after_what_was_said(
    bedrock: BedrockUpstream, asked: Door, kind: str, code: str
) -> None:
    bedrock.on(CLAUDE, text("So ", "far", "!").raising(3, kind))

    told = await asked.stream(CLAUDE)

    assert told.types[-2:] == ["error", "failed"]
    assert told.response["error"]["code"] == code
    assert said(told.response) == "So far"


@pytest.mark.parametrize("after", range(2, 6))
async def test_a_stream_that_is_cut_is_a_failure(
    bedrock: BedrockUpstream, asked: Door, after: int
) -> None:
    bedrock.on(CLAUDE, text("So ", "far", "!").cut(after))

    told = await asked.stream(CLAUDE)

    assert told.response["status"] == "failed"


async def test_a_reply_that_is_cut_after_its_last_word_is_whole(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, text("So ", "far", "!").cut(6))

    told = await asked.stream(CLAUDE)

    assert (told.response["status"], said(told.response)) == ("failed", "So far!")


async def test_a_damaged_message_is_a_failure(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(CLAUDE, text("So ", "far", "!").corrupted(3))

    told = await asked.stream(CLAUDE)

    assert (told.response["status"], said(told.response)) == ("failed", "So far")
