"""What Bedrock's exceptions mean to our client (contract §6.4).

Before a stream they come as HTTP errors with `x-amzn-errortype` or `__type`, within one as its
members. Texts that name accounts, roles or keys stay here.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    PermissionDenied,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamAuth,
)
from rejoinder.providers.refusals import public_message, refusal
from rejoinder.schema.items import JSON

type Told = Mapping[str, JSON]

_TOO_LONG = re.compile(
    r"too long|too many (input )?tokens|(exceed|longer)\w*\b.{0,60}\b(context|token)"
    r"|context (length|window|limit)|maximum.{0,20}tokens",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model identifier is invalid|on-demand throughput|model.{0,40}(not found|does not exist)"
    r"|end of its life",
    re.IGNORECASE,
)
_ARNS = re.compile(r"arn:aws[\w-]*:\S+")
_OURS = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "IncompleteSignatureException",
        "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "InvalidClientTokenId",
        "ExpiredTokenException",
        "ExpiredToken",
        "NotAuthorized",
    }
)


def refuse(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """The error to raise for an HTTP error of Bedrock's."""
    told = _object(body)
    kind = headers.get("x-amzn-errortype") or told.get("__type") or told.get("code") or ""
    return exception(_short(str(kind)), told) or refusal(status, headers, body)


def in_stream(kind: str, payload: bytes) -> GatewayError:
    """The error to raise for an exception that is a member of the stream."""
    name = kind[:1].upper() + kind[1:]
    return exception(name, _object(payload)) or Unavailable(
        "The model server broke off with an error."
    )


def exception(name: str, told: Told) -> GatewayError | None:
    """The error for an exception by its name; None if we do not know it."""
    if name in _OURS:
        return UpstreamAuth(
            "AWS refused the credentials that are configured for Bedrock; "
            "whoever runs this gateway has to mend that."
        )
    make = _OF_NAME.get(name)
    return make(told) if make is not None else None


def _invalid(told: Told) -> GatewayError:
    message = _message(told, "Bedrock refused the request.")
    if _NO_MODEL.search(message):
        return InvalidRequest(message, code="model_not_found", param="model")
    if _TOO_LONG.search(message):
        return InvalidRequest(message, code="context_length_exceeded", param="input")
    return InvalidRequest(message)


def _denied(_told: Told) -> PermissionDenied:
    return PermissionDenied(
        "This gateway's AWS account has no access to this model. Ask whoever runs the gateway "
        "to enable it in Bedrock and to allow bedrock:InvokeModel for it.",
        param="model",
    )


def _unknown_model(told: Told) -> InvalidRequest:
    message = _message(told, "Bedrock does not know this model in this region.")
    return InvalidRequest(message, code="model_not_found", param="model")


def _throttled(_told: Told) -> RateLimited:
    return RateLimited("Bedrock wants us to slow down; try again later.")


def _not_ready(_told: Told) -> RateLimited:
    return RateLimited("The model is not ready yet; try again in a minute.")


def _over_quota(_told: Told) -> RateLimited:
    return RateLimited("The AWS account's quota for this model is used up; try again later.")


def _too_slow(_told: Told) -> Unavailable:
    return Unavailable("The model took too long.", code="upstream_timeout")


def _failed(_told: Told) -> Unavailable:
    return Unavailable("The model failed while it worked on this request.")


def _down(_told: Told) -> Unavailable:
    return Unavailable("Bedrock failed.")


def _overloaded(_told: Told) -> Unavailable:
    return Unavailable("Bedrock is overloaded; try again later.", code="overloaded")


def _too_large(_told: Told) -> TooLarge:
    return TooLarge("Bedrock says that the request is too large.")


def _message(told: Told, otherwise: str) -> str:
    said = told if "message" in told else {"message": told.get("Message")}
    return _ARNS.sub("[removed]", public_message(said, otherwise))


def _short(kind: str) -> str:
    """`com.amazon.x#ThrottlingException:http://…` → `ThrottlingException`."""
    return kind.partition(":")[0].rpartition("#")[2].strip()


def _object(body: bytes) -> dict[str, JSON]:
    try:
        told = decode(body)
    except (DecodeError, UnicodeDecodeError):
        return {}
    return told if isinstance(told, dict) else {}


_OF_NAME: Mapping[str, Callable[[Told], GatewayError]] = {
    "ValidationException": _invalid,
    "AccessDeniedException": _denied,
    "ResourceNotFoundException": _unknown_model,
    "ThrottlingException": _throttled,
    "ModelNotReadyException": _not_ready,
    "ServiceQuotaExceededException": _over_quota,
    "ModelTimeoutException": _too_slow,
    "ModelErrorException": _failed,
    "ModelStreamErrorException": _failed,
    "InternalServerException": _down,
    "InternalFailure": _down,
    "ServiceUnavailableException": _overloaded,
    "RequestEntityTooLargeException": _too_large,
}
