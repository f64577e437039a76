"""The context object that the managed runtime would pass to a handler.

Source: AWS Lambda developer guide, "Using the Lambda context object to retrieve Python function
information". It is in the scope as `aws.context`, for Powertools and for whom else expects one.
"""

import json
import os
import time
from types import SimpleNamespace
from typing import Any

from rejoinder_runtime.invocation import Invocation

CLIENT = ("installation_id", "app_title", "app_version_name", "app_version_code")


class LambdaContextUnmarshalError(Exception):
    """What the caller said of itself cannot be read; so the managed runtime calls it, too."""


class LambdaContext:
    """What Lambda says of the function and of this invocation.

    Raises:
        LambdaContextUnmarshalError: if what the caller adds to it is no JSON object.
    """

    def __init__(self, invocation: Invocation) -> None:
        self.aws_request_id = invocation.request_id
        self.invoked_function_arn = invocation.function_arn
        self.tenant_id = invocation.tenant_id
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        who = _object_in(invocation.cognito_identity) or {}
        self.identity = SimpleNamespace(
            cognito_identity_id=who.get("cognitoIdentityId"),
            cognito_identity_pool_id=who.get("cognitoIdentityPoolId"),
        )
        self.client_context: SimpleNamespace | None = None
        if (told := _object_in(invocation.client_context)) is not None:
            client = told.get("client") or {}
            self.client_context = SimpleNamespace(
                custom=told.get("custom"),
                env=told.get("env"),
                client=SimpleNamespace(**{name: client.get(name) for name in CLIENT}),
            )
        self._deadline_at = invocation.deadline_at

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still take."""
        return max(0, int((self._deadline_at - time.time()) * 1000))


def _object_in(header: str | None) -> dict[str, Any] | None:
    try:
        told = json.loads(header or "null")
    except ValueError as error:
        raise LambdaContextUnmarshalError("A header of the invocation is no JSON.") from error
    if told is not None and not isinstance(told, dict):
        raise LambdaContextUnmarshalError("A header of the invocation is no JSON object.")
    return told
