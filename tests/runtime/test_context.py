"""The context object, as Powertools and handlers written for the managed runtime want it."""

import pytest
from aws_lambda_powertools.logging.lambda_context import build_lambda_context_model
from aws_lambda_powertools.utilities.typing import LambdaContext as DocumentedContext

from rejoinder_runtime.connection import Reply
from rejoinder_runtime.context import LambdaContext
from rejoinder_runtime.invocation import Invocation

ARN = "arn:aws:lambda:us-east-2:123456789012:function:stream"
HEADERS = {
    "content-type": "application/json",
    "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    "lambda-runtime-deadline-ms": "1542409706888",
    "lambda-runtime-invoked-function-arn": ARN,
}


def context_of(**given: str) -> LambdaContext:
    headers = {f"lambda-runtime-{name.replace('_', '-')}": given[name] for name in given}
    return LambdaContext(Invocation.of(Reply(200, HEADERS | headers, b"{}")))


def test_it_has_every_documented_attribute() -> None:
    documented = {name for name in dir(DocumentedContext) if not name.startswith("_")}

    assert documented <= set(dir(context_of()))


def test_powertools_logger_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "stream")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")

    model = build_lambda_context_model(context_of())

    assert vars(model) == {
        "function_name": "stream",
        "function_memory_size": "1024",
        "function_arn": ARN,
        "function_request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    }


def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    assert context_of().get_remaining_time_in_millis() == 0


def test_who_calls_by_a_mobile_sdk_is_told_as_well() -> None:
    context = context_of(
        aws_tenant_id="blue",
        client_context='{"client": {"app_title": "demo"}, "custom": {"a": 1}, "env": {"b": 2}}',
        cognito_identity='{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}',
    )

    assert context.tenant_id == "blue"
    assert context.client_context is not None
    assert context.client_context.client.app_title == "demo"
    assert context.client_context.client.installation_id is None
    assert (context.client_context.custom, context.client_context.env) == ({"a": 1}, {"b": 2})
    assert context.identity.cognito_identity_id == "id"
    assert context.identity.cognito_identity_pool_id == "pool"


def test_without_them_there_is_an_empty_identity_and_no_client() -> None:
    context = context_of()

    assert context.client_context is None
    assert context.identity.cognito_identity_id is None
