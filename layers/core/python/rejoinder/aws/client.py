"""Services that speak JSON: DynamoDB, SQS, Secrets Manager."""

import os
from collections.abc import Callable, Mapping

import httpx
from msgspec import DecodeError
from msgspec.json import decode, encode

from rejoinder.aws.credentials import Credentials
from rejoinder.aws.exchange import AwsError, Exchange
from rejoinder.aws.replies import Reply
from rejoinder.aws.signing import Scope, Unsigned
from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON

__all__ = ["AwsError", "OnCall", "Service", "endpoint_of"]

type OnCall = Callable[[str, str, JSON, JSON], None]  # service, operation, request, reply

TARGETS = {  # service → version of its JSON, prefix of its operations
    "dynamodb": ("1.0", "DynamoDB_20120810"),
    "secretsmanager": ("1.1", "secretsmanager"),
    "sqs": ("1.0", "AmazonSQS"),
}


def endpoint_of(service: str, region: str, env: Mapping[str, str]) -> str:
    """Where a service answers, unless the environment says otherwise."""
    name = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
    override = env.get(f"AWS_ENDPOINT_URL_{name}") or env.get("AWS_ENDPOINT_URL")
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return override or f"https://{service}.{region}.{domain}"


class Service:
    """One service, by the names of its operations. `on_call` is told of every call that worked."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        credentials: Credentials,
        *,
        name: str,
        region: str,
        endpoint: str | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self.name = name
        self.on_call = on_call
        self._version, self._prefix = TARGETS[name]
        endpoint = endpoint or endpoint_of(name, region, os.environ)
        self._exchange = Exchange(transport, credentials, Scope(region, name), endpoint, refusal_in)

    async def call(self, operation: str, request: JSON) -> JSON:
        """What an operation gives.

        Raises:
            AwsError: if the service refuses.
            Unavailable: if it cannot be reached, is too busy, or is broken.
        """
        headers = {
            "content-type": f"application/x-amz-json-{self._version}",
            "x-amz-target": f"{self._prefix}.{operation}",
        }
        reply = await self._exchange.send(Unsigned("POST", headers=headers, body=encode(request)))
        said = _json_in(reply)
        if self.on_call is not None:
            self.on_call(self.name, operation, request, said)
        return said


def refusal_in(reply: Reply) -> AwsError:
    """The error of a JSON service, whose name may come with a namespace."""
    try:
        body = decode(reply.body)
    except (DecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        body = {}
    code = str(body.get("__type", "")).rpartition("#")[2]
    message = body.get("message") or body.get("Message") or ""
    return AwsError(code, str(message), body, status=reply.status)


def _json_in(reply: Reply) -> JSON:
    try:
        return decode(reply.body) if reply.body else {}
    except (DecodeError, UnicodeDecodeError) as error:
        raise Unavailable("A service of AWS sent no JSON.", code="server_error") from error
