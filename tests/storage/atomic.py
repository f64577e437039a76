"""moto checks and writes in two steps, which its threads interleave; DynamoDB does in one."""

from threading import Lock

from moto.dynamodb.responses import DynamoHandler

_alone = Lock()


def make_atomic() -> None:
    """Let moto's server in this process do one DynamoDB action at a time."""
    do_action = DynamoHandler.call_action

    def call_action(self: DynamoHandler) -> object:
        with _alone:
            return do_action(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]
