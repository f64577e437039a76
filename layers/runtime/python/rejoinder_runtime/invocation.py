"""One invocation, as `GET /runtime/invocation/next` delivers it."""

from dataclasses import dataclass
from typing import Self

from rejoinder_runtime.connection import Reply


@dataclass(frozen=True, slots=True)
class Invocation:
    """An event that waits for its answer, and what Lambda says beside it."""

    request_id: str
    deadline_at: float
    function_arn: str
    trace_id: str | None
    tenant_id: str | None
    echo_id: str | None  # Lambda-Runtime-Invocation-Id, which Lambda wants back with the answer
    client_context: str | None  # JSON, by whoever called: perhaps it is none
    cognito_identity: str | None
    payload: bytes

    @classmethod
    def of(cls, reply: Reply) -> Self:
        """Read the headers of a reply."""
        told = {
            name.removeprefix("lambda-runtime-"): value
            for name, value in reply.headers.items()
            if name.startswith("lambda-runtime-")
        }
        return cls(
            request_id=told["aws-request-id"],
            deadline_at=int(told["deadline-ms"]) / 1000,
            function_arn=told.get("invoked-function-arn", ""),
            trace_id=told.get("trace-id"),
            tenant_id=told.get("aws-tenant-id"),
            echo_id=told.get("invocation-id"),
            client_context=told.get("client-context"),
            cognito_identity=told.get("cognito-identity"),
            payload=reply.body,
        )
