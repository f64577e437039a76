"""The REST API is the application's route table."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from rejoinder.web.routes import ROUTES
from tests.infra.synthesis import JSON, Synthesis, flat


class Method(NamedTuple):
    verb: str
    path: str
    function: str
    mode: str
    timeout_ms: int


def methods(stack: Synthesis) -> list[Method]:
    resources = stack.of_type("AWS::ApiGateway::Resource")
    return [
        Method(
            method["HttpMethod"],
            path_of(method["ResourceId"], resources),
            function_of(stack, method["Integration"]["Uri"]),
            method["Integration"].get("ResponseTransferMode", "BUFFERED"),
            method["Integration"]["TimeoutInMillis"],
        )
        for method in stack.of_type("AWS::ApiGateway::Method").values()
    ]


def path_of(id: JSON, resources: Mapping[str, JSON]) -> str:
    if "Ref" not in id:
        return ""
    resource = resources[id["Ref"]]
    return f"{path_of(resource['ParentId'], resources)}/{resource['PathPart']}"


def function_of(stack: Synthesis, uri: JSON) -> str:
    names = ("stream", "api", "worker", "dlq")
    return next(name for name in names if stack.name_of(name) in flat(uri))


def expected() -> Counter[tuple[str, str, str]]:
    return Counter(
        (row.method, row.path.replace(":path}", "+}"), "stream" if row.may_stream else "api")
        for row in ROUTES
    )


def test_every_row_has_one_method_and_every_method_a_row(stack: Synthesis) -> None:
    found = Counter(
        (each.verb, each.path, each.function) for each in methods(stack) if each.verb != "ANY"
    )

    assert found == expected()


def test_what_no_row_names_is_answered_by_the_application(stack: Synthesis) -> None:
    rest = {each.path: each.function for each in methods(stack) if each.verb == "ANY"}

    assert rest.keys() == {path for _, path, _ in expected()} | {"", "/{proxy+}"}
    assert set(rest.values()) == {"api"}


def test_all_routes_of_the_streaming_function_stream_and_no_others_do(stack: Synthesis) -> None:
    found = {(each.function, each.mode, each.timeout_ms) for each in methods(stack)}

    assert found == {("stream", "STREAM", 900_000), ("api", "BUFFERED", 29_000)}


def test_streams_are_called_by_the_address_for_streams(stack: Synthesis) -> None:
    integrations = [
        method["Integration"] for method in stack.of_type("AWS::ApiGateway::Method").values()
    ]

    modes = {
        (
            integration.get("ResponseTransferMode"),
            flat(integration["Uri"]).endswith("/response-streaming-invocations"),
            integration["Type"],
        )
        for integration in integrations
    }

    assert modes == {("STREAM", True, "AWS_PROXY"), (None, False, "AWS_PROXY")}


def test_a_models_name_may_hold_slashes(stack: Synthesis) -> None:
    paths = {each.path for each in methods(stack)}

    assert {"/v1/models/{model+}", "/v1/openai/models/{model+}"} <= paths


def test_the_endpoint_is_a_regional_one(stack: Synthesis) -> None:
    api = stack.one("AWS::ApiGateway::RestApi")

    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_api_gateway_may_call_both_functions_and_nothing_else(stack: Synthesis) -> None:
    permissions = stack.of_type("AWS::Lambda::Permission").values()

    callees = {each["FunctionName"]["Fn::GetAtt"][0] for each in permissions}

    assert callees == {stack.name_of("stream"), stack.name_of("api")}
    assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com"}
    assert all("<ApiRest" in flat(each["SourceArn"]) for each in permissions)


def test_the_access_log_holds_no_query_no_header_and_no_body(stack: Synthesis) -> None:
    stage = stack.one("AWS::ApiGateway::Stage")

    line = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    told_by_clients = {
        each for each in line if re.search("path$|query|override|apiKey|Agent", each)
    }

    assert {"$context.requestId", "$context.resourcePath", "$context.status"} <= line
    assert not told_by_clients
    assert all(not each["DataTraceEnabled"] for each in stage["MethodSettings"])
