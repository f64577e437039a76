"""How Lambda runs the functions, and what they are told."""

import pytest

from infra.bundling import FUNCTIONS
from tests.infra.synthesis import JSON, Synthesis


def environment(stack: Synthesis, name: str) -> JSON:
    return stack.function(name)["Environment"]["Variables"]


def mapping(stack: Synthesis, name: str) -> JSON:
    (found,) = (
        each
        for each in stack.of_type("AWS::Lambda::EventSourceMapping").values()
        if each["FunctionName"] == {"Ref": stack.name_of(name)}
    )
    return found


def layers(stack: Synthesis, name: str) -> set[str]:
    named = stack.of_type("AWS::Lambda::LayerVersion")
    return {named[each["Ref"]]["Description"] for each in stack.function(name)["Layers"]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_functions_run_python_3_13_on_arm(stack: Synthesis, name: str) -> None:
    function = stack.function(name)

    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["MemorySize"] == 512
    assert "VpcConfig" not in function


@pytest.mark.parametrize(
    ("name", "handler", "timeout"),
    [
        ("stream", "handler.app", 900),
        ("api", "handler.handle", 29),
        ("worker", "handler.handle", 900),
        ("dlq", "handler.handle", 60),
    ],
)
def test_a_function_has_its_handler_and_its_time(
    stack: Synthesis, name: str, handler: str, timeout: int
) -> None:
    function = stack.function(name)

    assert (function["Handler"], function["Timeout"]) == (handler, timeout)


def test_only_the_streaming_function_runs_the_streaming_runtime(stack: Synthesis) -> None:
    wrapped = {name: environment(stack, name).get("AWS_LAMBDA_EXEC_WRAPPER") for name in FUNCTIONS}

    assert wrapped == {
        "stream": "/opt/rejoinder/bootstrap",
        "api": None,
        "worker": None,
        "dlq": None,
    }
    assert layers(stack, "stream") == {"Rejoinder: deps", "Rejoinder: core", "Rejoinder: runtime"}
    assert layers(stack, "api") == {"Rejoinder: deps", "Rejoinder: core"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_where_things_are_and_no_secret(stack: Synthesis, name: str) -> None:
    variables = environment(stack, name)

    for variable, type in (
        ("REJOINDER_TABLE", "AWS::DynamoDB::Table"),
        ("REJOINDER_BUCKET", "AWS::S3::Bucket"),
        ("REJOINDER_SECRET_ARN", "AWS::SecretsManager::Secret"),
    ):
        assert variables[variable]["Ref"] in stack.of_type(type)
    assert variables["REJOINDER_QUEUE_URL"] == mapping_source(stack, "worker")
    assert "REJOINDER_CONFIG" not in variables
    assert not [name for name in variables if "KEY" in name or "TOKEN" in name]


def mapping_source(stack: Synthesis, name: str) -> JSON:
    return {"Ref": mapping(stack, name)["EventSourceArn"]["Fn::GetAtt"][0]}


def test_the_worker_is_fed_one_job_at_a_time(stack: Synthesis) -> None:
    fed = mapping(stack, "worker")

    assert fed["BatchSize"] == 1
    assert fed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert fed["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_the_worker_may_send_to_the_queue_that_feeds_it(stack: Synthesis) -> None:
    assert stack.function("worker")["RecursiveLoop"] == "Allow"


def test_a_message_stays_hidden_for_longer_than_a_worker_can_run(stack: Synthesis) -> None:
    queues = stack.of_type("AWS::SQS::Queue")

    jobs = queues[mapping_source(stack, "worker")["Ref"]]

    assert jobs["VisibilityTimeout"] == 960
    assert jobs["VisibilityTimeout"] >= stack.function("worker")["Timeout"]


def test_jobs_that_fail_too_often_go_to_the_function_that_tells_of_it(stack: Synthesis) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    jobs = queues[mapping_source(stack, "worker")["Ref"]]
    dead = mapping(stack, "dlq")["EventSourceArn"]

    assert jobs["RedrivePolicy"] == {"deadLetterTargetArn": dead, "maxReceiveCount": 10}
    assert queues[dead["Fn::GetAtt"][0]]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queues[dead["Fn::GetAtt"][0]]["VisibilityTimeout"] >= stack.function("dlq")["Timeout"]


def test_every_function_has_a_log_group_that_forgets(stack: Synthesis) -> None:
    groups = stack.of_type("AWS::Logs::LogGroup")

    assert len(groups) == len(FUNCTIONS) + 1  # and the access log
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
