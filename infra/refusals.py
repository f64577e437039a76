"""What API Gateway says by itself, in the shape of every other error (contract §1.1)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk.aws_apigateway import ResponseType, RestApi

# API Gateway's own words, with their quotes.
_ITS_WORDS = "$context.error.messageString"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gateway response: whatever the client asked for did not reach a function."""

    type: str
    code: str
    message: str | None = None  # else API Gateway's own
    status: int | None = None  # else API Gateway's own
    retry_after_seconds: int | None = None

    def template(self) -> str:
        """The body, as a mapping template."""
        error = {"message": _ITS_WORDS, "type": self.type, "param": None, "code": self.code}
        if self.message is not None:
            return json.dumps({"error": error | {"message": self.message}})
        return json.dumps({"error": error}).replace(f'"{_ITS_WORDS}"', _ITS_WORDS)


_UNAUTHORIZED = Refusal(
    "authentication_error",
    "invalid_api_key",
    "Send your API key as 'Authorization: Bearer KEY'.",
    401,
)
_SLOW_DOWN = Refusal(
    "rate_limit_error",
    "rate_limit_exceeded",
    "Too many requests; slow down and try again.",
    429,
    retry_after_seconds=1,
)
_BAD_REQUEST = Refusal("invalid_request_error", "bad_request", status=400)
_OURS = Refusal(
    "api_error",
    "internal_error",
    "Something went wrong on our side; the request id tells where.",
    500,
)
_UNAVAILABLE = Refusal(
    "server_error",
    "gateway_unavailable",
    "The service did not answer; try again in a moment.",
    503,
    retry_after_seconds=1,
)

REFUSALS: Mapping[str, Refusal] = {
    "ACCESS_DENIED": Refusal(
        "permission_denied_error", "access_denied", "This is not allowed.", 403
    ),
    "API_CONFIGURATION_ERROR": _OURS,
    "AUTHORIZER_CONFIGURATION_ERROR": _OURS,
    "AUTHORIZER_FAILURE": _OURS,
    "BAD_REQUEST_BODY": _BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": _BAD_REQUEST,
    "DEFAULT_4_XX": Refusal("invalid_request_error", "bad_request"),
    "DEFAULT_5_XX": Refusal(
        "server_error",
        "gateway_unavailable",
        "The service could not answer; try again in a moment.",
    ),
    "EXPIRED_TOKEN": _UNAUTHORIZED,
    "INTEGRATION_FAILURE": _UNAVAILABLE,
    "INTEGRATION_TIMEOUT": Refusal(
        "server_error",
        "gateway_timeout",
        "The answer took too long; ask for a stream, or send 'background': true.",
        504,
    ),
    "INVALID_API_KEY": _UNAUTHORIZED,
    "INVALID_SIGNATURE": _UNAUTHORIZED,
    "MISSING_AUTHENTICATION_TOKEN": Refusal(  # its name for a URL that is not there
        "not_found_error",
        "unknown_url",
        "Unknown URL; GET /v1/openapi.json describes all that is there.",
        404,
    ),
    "QUOTA_EXCEEDED": _SLOW_DOWN,
    "REQUEST_TOO_LARGE": Refusal(
        "invalid_request_error",
        "request_too_large",
        "The request is too large; continue with 'previous_response_id' instead of sending the "
        "history again, and send files as URLs.",
        413,
    ),
    "RESOURCE_NOT_FOUND": Refusal(
        "not_found_error",
        "unknown_url",
        "Unknown URL; GET /v1/openapi.json describes all that is there.",
        404,
    ),
    "THROTTLED": _SLOW_DOWN,
    "UNAUTHORIZED": _UNAUTHORIZED,
    "UNSUPPORTED_MEDIA_TYPE": Refusal(
        "invalid_request_error", "unsupported_media_type", "Send JSON.", 415
    ),
    "WAF_FILTERED": Refusal(
        "permission_denied_error", "blocked_by_firewall", "The firewall refused this request.", 403
    ),
}


def add_refusals(api: RestApi, cors_origins: Sequence[str]) -> None:
    """Give each kind of gateway response its shape, readable also by pages of other origins."""
    origin = cors_origins[0] if len(cors_origins) == 1 else "*"
    for name, refusal in REFUSALS.items():
        headers = {
            "x-request-id": "context.requestId",
            "access-control-allow-origin": f"'{origin}'",
            "access-control-allow-headers": "'*'",
            "access-control-expose-headers": "'x-request-id, retry-after'",
        }
        if refusal.retry_after_seconds:
            headers["retry-after"] = f"'{refusal.retry_after_seconds}'"
        api.add_gateway_response(
            name,
            type=getattr(ResponseType, name),
            status_code=str(refusal.status) if refusal.status else None,
            response_headers=headers,
            templates={"application/json": refusal.template()},
        )
