"""What Bedrock's exceptions mean to our client (contract §6.4).

Before a stream they come as HTTP errors with `x-amzn-errortype` or `__type`, within one as its
members. Texts that name accounts, roles or keys stay here.
"""

import re
from collections.abc import Mapping

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    PermissionDenied,
    RateLimited,
    Unavailable,
    UpstreamAuth,
)
from rejoinder.providers import refusals
from rejoinder.providers.refusals import (
    Headers,
    Refusal,
    Told,
    as_told,
    error_object,
    overloaded,
    public_message,
    says,
    throttled,
    too_large,
    too_long,
    too_slow,
    unknown_model,
)

_TOO_LONG = re.compile(
    r"(input|prompt) is too long|too many (input )?tokens"
    r"|(exceed|longer)\w*\b.{0,60}\b(context|token)"
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


def error_for_status(status: int, headers: Headers, body: bytes) -> GatewayError:
    """The error to raise for an HTTP error of Bedrock's."""
    told = _told(body)
    kind = headers.get("x-amzn-errortype") or told.get("__type") or told.get("code") or ""
    make = _OF_NAME.get(_short(str(kind)))
    if make is None:
        return refusals.error_for_status(status, headers, body)
    return make(told, headers)


def error_in_stream(kind: str, payload: bytes) -> GatewayError:
    """The error to raise for an exception that is a member of the stream."""
    name = kind[:1].upper() + kind[1:]
    return as_told(_OF_NAME.get(name, _broken_off)(_told(payload), {}), {"type": name})


def _told(body: bytes) -> Told:
    """The exception, with the one spelling of `message`, and no resource named in it."""
    told = error_object(body)
    message = told.get("message", told.get("Message"))
    return told | {"message": _ARNS.sub("[removed]", message) if isinstance(message, str) else None}


def _short(kind: str) -> str:
    """`com.amazon.x#ThrottlingException:http://…` → `ThrottlingException`."""
    return kind.partition(":")[0].rpartition("#")[2].strip()


def _invalid(told: Told, _: Headers) -> GatewayError:
    message = public_message(told, "Bedrock refused the request.")
    if says(_NO_MODEL, message):
        return InvalidRequest(message, code="model_not_found", param="model")
    return too_long(message) if says(_TOO_LONG, message) else InvalidRequest(message)


def _denied(_told: Told, _: Headers) -> PermissionDenied:
    return PermissionDenied(
        "This gateway's AWS account has no access to this model. Ask whoever runs the gateway "
        "to enable it in Bedrock and to allow bedrock:InvokeModel for it.",
        param="model",
    )


def _our_credentials(_told: Told, _: Headers) -> UpstreamAuth:
    return UpstreamAuth(
        "AWS refused the credentials that are configured for Bedrock; "
        "whoever runs this gateway has to mend that."
    )


def _not_ready(_told: Told, _: Headers) -> RateLimited:
    return RateLimited("The model is not ready yet; try again in a minute.")


def _over_quota(_told: Told, _: Headers) -> RateLimited:
    return RateLimited("The AWS account's quota for this model is used up; try again later.")


def _failed(_told: Told, _: Headers) -> Unavailable:
    return Unavailable("The model failed while it worked on this request.")


def _down(_told: Told, _: Headers) -> Unavailable:
    return Unavailable("Bedrock failed.")


def _broken_off(_told: Told, _: Headers) -> Unavailable:
    return Unavailable("The model server broke off with an error.")


_OF_NAME: Mapping[str, Refusal] = dict.fromkeys(_OURS, _our_credentials) | {
    "ValidationException": _invalid,
    "AccessDeniedException": _denied,
    "ResourceNotFoundException": unknown_model,
    "ThrottlingException": throttled,
    "ModelNotReadyException": _not_ready,
    "ServiceQuotaExceededException": _over_quota,
    "ModelTimeoutException": too_slow,
    "ModelErrorException": _failed,
    "ModelStreamErrorException": _failed,
    "InternalServerException": _down,
    "InternalFailure": _down,
    "ServiceUnavailableException": overloaded,
    "RequestEntityTooLargeException": too_large,
}
