"""What the rig knows of a deployment: functions, routes, queues and what keeps the state.

`template` makes a Stack from the synthesized template; the rig's own tests write theirs by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

type JSON = Any

REGION = "eu-west-1"
ACCOUNT = "123456789012"
STAGE = "prod"

INIT_SECONDS = 10.0  # Lambda's own limit
DEFAULT_CONCURRENCY = 50  # processes of one function at a time; AWS: 10 to 1,000 for an account
BROKEN = ""  # instead of a function: an integration that AWS itself answers with 500
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its code and layers as folders, and how it runs."""

    name: str
    handler: str
    code: Path
    opt: Path  # stands for /opt: all layers, laid over each other
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 3.0
    memory_mb: int = 128
    concurrency: int = DEFAULT_CONCURRENCY
    init_seconds: float = INIT_SECONDS

    @property
    def arn(self) -> str:
        """What it is called in AWS."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    @property
    def wrapper(self) -> Path | None:
        """The program that starts the runtime, if the function names one; found below `opt`."""
        named = self.env.get(WRAPPER)
        return self.opt / Path(named).relative_to("/opt") if named else None


@dataclass(frozen=True, slots=True)
class Route:
    """A method of the REST API, and where it leads to."""

    method: str
    resource: str  # "/v1/responses/{response_id}", "/v1/models/{model+}"
    function: str
    is_streamed: bool = False
    timeout_seconds: float = 29.0


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What the gateway itself answers in a case such as THROTTLED; None and empty: its default."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # to 'literal' or context.name
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue, and the function that its event source mapping invokes."""

    name: str
    function: str = ""
    visibility_seconds: int = 30
    dead_letters_to: str = ""  # the name of another queue
    max_receive_count: int = 3
    at_a_time: int = 5
    reports_item_failures: bool = True


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployment. `tables` are arguments of CreateTable, `secrets` maps names to contents."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...] = ()
    responses: Mapping[str, GatewayResponse] = field(default_factory=dict)
    queues: tuple[Queue, ...] = ()
    tables: tuple[Mapping[str, JSON], ...] = ()
    buckets: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    binary_media_types: tuple[str, ...] = ()
