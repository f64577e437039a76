"""Each function may do what its code does, and nothing else."""

import re
from fnmatch import fnmatchcase

import pytest

from infra.bundling import FUNCTIONS
from infra.keys import DIRECTORY
from infra.permissions import ALLOWED, BUCKET, CONSUME, OBJECTS, SECRET, TABLE
from rejoinder.aws.table import PK, api_key_key, tenant_key
from tests.infra.synthesis import JSON, ROOT, Synthesis, flat, listed

AWS = ROOT / "layers" / "core" / "python" / "rejoinder" / "aws"
OPERATIONS = {
    "dynamodb": r'"((?:Get|Put|Update|Delete|BatchWrite|BatchGet|TransactWrite)Items?|Query)"',
    "sqs": r'"((?:Send|Receive|Delete)Message|ChangeMessageVisibility|GetQueueAttributes)"',
    "secretsmanager": r'"(GetSecretValue)"',
}


def every_statement(stack: Synthesis) -> list[JSON]:
    policies = stack.of_type("AWS::IAM::Policy").values()
    documents = [policy["PolicyDocument"] for policy in policies]
    for role in stack.of_type("AWS::IAM::Role").values():
        documents += [each["PolicyDocument"] for each in role.get("Policies", [])]
    return [each for document in documents for each in document["Statement"]]


def actions(stack: Synthesis, function: str, statement: str) -> set[str]:
    return set(listed(stack.statements(function)[statement]["Action"]))


def test_no_statement_allows_a_wildcard_of_actions(stack: Synthesis, rich: Synthesis) -> None:
    for statement in [*every_statement(stack), *every_statement(rich)]:
        assert statement["Effect"] == "Allow" or statement["Sid"] == "ApiKeys"
        assert not [each for each in listed(statement["Action"]) if "*" in each]


def test_no_statement_is_for_everything(stack: Synthesis, rich: Synthesis) -> None:
    for statement in [*every_statement(stack), *every_statement(rich)]:
        assert "*" not in listed(statement["Resource"]) or statement["Sid"] == "Network"


def test_interfaces_in_a_network_are_all_that_is_allowed_everywhere(rich: Synthesis) -> None:
    for name in FUNCTIONS:
        network = rich.statements(name)["Network"]

        assert network["Resource"] == "*"
        assert set(network["Action"]) == {
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_can_make_a_key_or_revoke_one(stack: Synthesis, name: str) -> None:
    denied = stack.statements(name)["ApiKeys"]
    keys = [api_key_key("0a")[PK]["S"], DIRECTORY]

    (patterns,) = denied["Condition"]["ForAnyValue:StringLike"].values()
    assert denied["Effect"] == "Deny"
    assert [*denied["Condition"]["ForAnyValue:StringLike"]] == ["dynamodb:LeadingKeys"]
    assert set(denied["Action"]) == {each for each in TABLE if "Item" in each and "Get" not in each}
    assert denied["Resource"] == listed(stack.statements(name)["Table"]["Resource"])[0]
    assert all(any(fnmatchcase(key, pattern) for pattern in patterns) for key in keys)
    assert not any(fnmatchcase(tenant_key("KEYS"), pattern) for pattern in patterns)


def test_no_function_has_a_policy_of_aws(stack: Synthesis) -> None:
    roles = stack.of_type("AWS::IAM::Role")

    for name in FUNCTIONS:
        assert "ManagedPolicyArns" not in roles[stack.function(name)["Role"]["Fn::GetAtt"][0]]


def test_what_the_code_calls_is_what_is_allowed() -> None:
    sources = "".join(path.read_text() for path in AWS.glob("*.py"))
    allowed = {
        *TABLE,
        *SECRET,
        *CONSUME,
        *(action for each in ALLOWED.values() for action in each.jobs),
    }

    called = {
        f"{service}:{operation}"
        for service, pattern in OPERATIONS.items()
        for operation in re.findall(pattern, sources)
    }

    assert called == allowed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_reaches_the_table_its_index_the_bucket_and_the_secret(
    stack: Synthesis, name: str
) -> None:
    statements = stack.statements(name)
    (table,), (bucket,) = stack.of_type("AWS::DynamoDB::Table"), stack.of_type("AWS::S3::Bucket")
    (secret,) = stack.of_type("AWS::SecretsManager::Secret")

    resources = {
        sid: [flat(each) for each in listed(found["Resource"])] for sid, found in statements.items()
    }

    assert resources["Table"] == [f"<{table}.Arn>", f"<{table}.Arn>/index/waiting"]
    assert resources["Bucket"] == [f"<{bucket}.Arn>"]
    assert resources["Objects"] == [f"<{bucket}.Arn>/*"]
    assert resources["Secret"] == [f"<{secret}>"]
    assert actions(stack, name, "Table") == set(TABLE)
    assert actions(stack, name, "Bucket") == set(BUCKET)
    assert actions(stack, name, "Objects") == set(OBJECTS)
    assert actions(stack, name, "Secret") == set(SECRET)


def test_only_the_worker_takes_jobs_and_only_the_dlq_dead_ones(stack: Synthesis) -> None:
    taking_jobs = [
        name for name in FUNCTIONS if "sqs:ReceiveMessage" in actions(stack, name, "Jobs")
    ]
    taking_dead = [name for name in FUNCTIONS if "Dead" in stack.statements(name)]

    assert (taking_jobs, taking_dead) == (["worker"], ["dlq"])


def test_only_functions_that_ask_models_may_invoke_them(stack: Synthesis) -> None:
    asking = [name for name in FUNCTIONS if "Models" in stack.statements(name)]

    assert asking == ["stream", "worker"]
    for name in asking:
        assert actions(stack, name, "Models") == {
            "bedrock:CountTokens",
            "bedrock:InvokeModel",
            "bedrock:InvokeModelWithResponseStream",
        }


def test_nobody_may_ask_bedrock_when_that_is_switched_off(rich: Synthesis) -> None:
    assert not [name for name in FUNCTIONS if "Models" in rich.statements(name)]


def test_a_function_writes_into_its_own_log_group_only(stack: Synthesis) -> None:
    for name in FUNCTIONS:
        logs = stack.statements(name)["Logs"]
        group = stack.function(name)["LoggingConfig"]["LogGroup"]["Ref"]

        assert flat(logs["Resource"]) == f"<{group}.Arn>"
        assert set(logs["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_buckets_and_queues_are_reached_by_tls_only(stack: Synthesis) -> None:
    policies = [
        *stack.of_type("AWS::S3::BucketPolicy").values(),
        *stack.of_type("AWS::SQS::QueuePolicy").values(),
    ]

    denials = [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]

    assert len(denials) == 3
    assert all(each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for each in denials)
