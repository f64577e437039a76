"""A failure as a response shows it."""

from rejoinder.errors import GatewayError, InvalidRequest, RateLimited, Unavailable
from rejoinder.schema.events import ErrorEvent
from rejoinder.schema.response import ResponseError

# The closed list of contract §6.3, as far as our providers can say it, and one that real
# traffic has beside it.
RESPONSE_ERROR_CODES = frozenset(
    {
        "server_error",
        "rate_limit_exceeded",
        "insufficient_quota",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "misalignment_policy_violation",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "unsupported_image_media_type",
        "failed_to_download_image",
    }
)


def response_error(error: GatewayError) -> ResponseError:
    """The error as a failed response shows it, within the closed list of contract §6.3."""
    if error.code in RESPONSE_ERROR_CODES:
        code = str(error.code)
    else:
        code = "rate_limit_exceeded" if isinstance(error, RateLimited) else "server_error"
    return ResponseError(code, error.message, error.type, error.param)


def raised_again(error: ResponseError) -> GatewayError:
    """The failure that a response shows, for who was told of it by an HTTP status before."""
    known = {each.type: each for each in (InvalidRequest, RateLimited, Unavailable)}
    kind = known.get(error.type or "", GatewayError)
    return kind(error.message, code=error.code, param=error.param)


def error_event(error: ResponseError) -> ErrorEvent:
    """The event that tells it, nested and flat (contract 0.8)."""
    flat = {"code": error.code, "message": error.message, "param": error.param}
    return ErrorEvent(
        code=error.code,
        message=error.message,
        param=error.param,
        error={"type": error.type, **flat},
    )
