"""moto checks and writes in two steps, which its threads interleave; DynamoDB does in one."""

from functools import cache
from threading import Lock

from moto.dynamodb.responses import DynamoHandler


@cache
def make_atomic() -> None:
    """Let all of moto's servers in this process do one DynamoDB action at a time."""
    alone, do_action = Lock(), DynamoHandler.call_action

    def call_action(self: DynamoHandler) -> object:
        with alone:
            return do_action(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]
