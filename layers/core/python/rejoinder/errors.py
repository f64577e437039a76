"""Every error a client may see, in the shape of contract §1.1.

GatewayError               500 api_error
├── InvalidRequest         400 invalid_request_error
├── Unauthorized           401 authentication_error
├── PermissionDenied       403 permission_denied_error
├── NotFound               404 not_found_error
├── MethodNotAllowed       405 invalid_request_error
├── TooLarge               413 invalid_request_error
├── UnsupportedMediaType   415 invalid_request_error
├── UpgradeRefused         426 invalid_request_error
├── RateLimited            429 rate_limit_error
├── Unavailable            503 server_error        the upstream is down, slow or overloaded
│   ├── Interrupted        503 server_error        a stream stops, its response goes on
│   └── TimeUp             503 server_error        this process has no time left for it
├── SchemaMismatch         503 server_error        the model's answer is not of the form asked for
└── UpstreamAuth           500 api_error           the upstream refused *our* key

Two are not among them, for they tell the code and never a client:

Conflict                   a write came too late
└── Held                   somebody else is at work on it
"""

from collections.abc import Mapping
from typing import ClassVar, Self


class GatewayError(Exception):
    """An error with an HTTP status and an API error body. By itself: a fault of ours."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    code: str | None = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code if code is not None else type(self).code
        self.param = param
        self.headers = dict(headers or {})

    def with_param(self, param: str) -> Self:
        """The same error, about this parameter."""
        named = type(self).__new__(type(self), *self.args)
        named.__dict__.update(vars(self), param=param)
        return named

    def body(self) -> dict[str, str | None]:
        """The inner object of an error body: all four keys, always."""
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }


class InvalidRequest(GatewayError):
    """The request says something it may not. The message names what to change."""

    status = 400
    type = "invalid_request_error"
    code = None


class Unauthorized(GatewayError):
    """No key, or one that we do not know."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class PermissionDenied(GatewayError):
    """The key is good, but not for this."""

    status = 403
    type = "permission_denied_error"
    code = "model_access_denied"


class NotFound(GatewayError):
    """Unknown, deleted, expired, or another tenant's: the answers do not differ."""

    status = 404
    type = "not_found_error"
    code = "response_not_found"


class MethodNotAllowed(GatewayError):
    """The path exists, the verb does not."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"


class TooLarge(GatewayError):
    """The body is over the limit."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedMediaType(GatewayError):
    """The body says that it is not JSON."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_media_type"


class UpgradeRefused(GatewayError):
    """A WebSocket was asked for; clients fall back to POST when told so at once."""

    status = 426
    type = "invalid_request_error"
    code = "websocket_not_supported"


class RateLimited(GatewayError):
    """The upstream, or we, want the client to slow down."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class Unavailable(GatewayError):
    """The upstream is down, too slow or overloaded; trying again may help."""

    status = 503
    type = "server_error"
    code = "upstream_unavailable"


class Interrupted(Unavailable):
    """A stream stops here, but not its response: who rejoins it finds the rest."""

    code = "server_error"

    def __init__(self, message: str = "The stream was interrupted; rejoin it in a moment.") -> None:
        super().__init__(message)


class TimeUp(Unavailable):
    """The process may not go on with a response for longer."""

    def __init__(
        self, message: str = "There was no time left for this response; ask in the background."
    ) -> None:
        super().__init__(message)


class SchemaMismatch(GatewayError):
    """The model's answer does not match the caller's schema; trying again may help."""

    status = 503
    type = "server_error"
    code = "schema_mismatch"


class UpstreamAuth(GatewayError):
    """The upstream refused the key in our configuration: the operator's to mend."""

    status = 500
    type = "api_error"
    code = "upstream_auth"


class Conflict(Exception):
    """A write came too late: the response is final, or gone."""


class Held(Conflict):
    """Somebody else is at work on the response, and was heard of a moment ago."""
