"""What API Gateway says by itself looks like every other error."""

import json

import pytest

from rejoinder import errors
from rejoinder.errors import GatewayError
from tests.infra.synthesis import JSON, Synthesis

TEXT = "$context.error.messageString"
STATUS = {
    "ACCESS_DENIED": "403",
    "API_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_CONFIGURATION_ERROR": "500",
    "AUTHORIZER_FAILURE": "500",
    "BAD_REQUEST_BODY": "400",
    "BAD_REQUEST_PARAMETERS": "400",
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
    "EXPIRED_TOKEN": "401",
    "INTEGRATION_FAILURE": "503",
    "INTEGRATION_TIMEOUT": "504",
    "INVALID_API_KEY": "401",
    "INVALID_SIGNATURE": "401",
    "MISSING_AUTHENTICATION_TOKEN": "404",
    "QUOTA_EXCEEDED": "429",
    "REQUEST_TOO_LARGE": "413",
    "RESOURCE_NOT_FOUND": "404",
    "THROTTLED": "429",
    "UNAUTHORIZED": "401",
    "UNSUPPORTED_MEDIA_TYPE": "415",
    "WAF_FILTERED": "403",
}


def refusals(stack: Synthesis) -> dict[str, JSON]:
    found = stack.of_type("AWS::ApiGateway::GatewayResponse").values()
    return {each["ResponseType"]: each for each in found}


def error_of(refusal: JSON) -> JSON:
    (template,) = refusal["ResponseTemplates"].values()
    return json.loads(template.replace(TEXT, '"said by AWS"'))["error"]


def known(status: int) -> type[GatewayError]:
    return next(
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, GatewayError) and each.status == status
    )


def test_every_kind_of_refusal_has_its_status(stack: Synthesis) -> None:
    found = {type: each.get("StatusCode") for type, each in refusals(stack).items()}

    assert found == STATUS


@pytest.mark.parametrize("type", STATUS)
def test_a_refusal_has_the_shape_of_the_contract(stack: Synthesis, type: str) -> None:
    error = error_of(refusals(stack)[type])

    assert error.keys() == {"message", "type", "param", "code"}
    assert error["param"] is None
    assert error["message"]
    assert error["code"]


@pytest.mark.parametrize("status", [401, 403, 404, 413, 415, 429, 500, 503])
def test_a_refusal_says_the_same_as_the_application_would(stack: Synthesis, status: int) -> None:
    said = [error_of(each) for type, each in refusals(stack).items() if STATUS[type] == str(status)]

    assert {each["type"] for each in said} == {known(status).type}


@pytest.mark.parametrize("type", STATUS)
def test_a_refusal_may_be_read_by_pages_and_names_the_request(stack: Synthesis, type: str) -> None:
    headers = refusals(stack)[type]["ResponseParameters"]

    assert headers["gatewayresponse.header.x-request-id"] == "context.requestId"
    assert headers["gatewayresponse.header.access-control-allow-origin"] == "'*'"
    assert "x-request-id" in headers["gatewayresponse.header.access-control-expose-headers"]


@pytest.mark.parametrize("type", ["THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE"])
def test_who_may_try_again_is_told_when(stack: Synthesis, type: str) -> None:
    headers = refusals(stack)[type]["ResponseParameters"]

    assert headers["gatewayresponse.header.retry-after"] == "'1'"


def test_the_origin_that_was_asked_for_is_the_one_that_is_let_in(rich: Synthesis) -> None:
    origins = {
        each["ResponseParameters"]["gatewayresponse.header.access-control-allow-origin"]
        for each in refusals(rich).values()
    }

    assert origins == {"'https://app.example.org'"}
