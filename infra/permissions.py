"""What each function may do, action by action: nobody may do what its code does not do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra.keys import DIRECTORY
from infra.options import Options
from infra.queue import Queue
from infra.storage import Storage
from rejoinder.aws.table import PK, WAITING_INDEX, api_key_key

# Every function reads and writes responses; what a newer state makes useless, it removes.
TABLE = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
WRITES = tuple(action for action in TABLE if action not in ("dynamodb:GetItem", "dynamodb:Query"))
API_KEYS = (api_key_key("*")[PK]["S"], DIRECTORY)  # partitions that people write, and nobody else
OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
BUCKET = ("s3:ListBucket",)  # without it S3 does not even say that an object is not there
SECRET = ("secretsmanager:GetSecretValue",)
CONSUME = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
)
MODELS = (
    "bedrock:CountTokens",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """In what the functions differ."""

    jobs: Sequence[str]
    dead: Sequence[str] = ()
    models: Sequence[str] = ()


ALLOWED: Mapping[str, Allowed] = {
    "stream": Allowed(jobs=("sqs:SendMessage",), models=MODELS),
    "api": Allowed(jobs=("sqs:GetQueueAttributes", "sqs:SendMessage")),
    "worker": Allowed(jobs=(*CONSUME, "sqs:SendMessage"), models=MODELS),
    "dlq": Allowed(jobs=("sqs:SendMessage",), dead=CONSUME),
}
_KEY_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# What Lambda needs for a function in a network. AWS's own policy is for everything, too.
_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def statements(
    name: str, storage: Storage, queue: Queue, options: Options
) -> list[iam.PolicyStatement]:
    """The policy of a function, but for its logs."""
    allowed = ALLOWED[name]
    table = storage.table.table_arn
    found = [
        _allow("Table", TABLE, table, f"{table}/index/{WAITING_INDEX}"),
        _no_api_keys(table),
        _allow("Bucket", BUCKET, storage.bucket.bucket_arn),
        _allow("Objects", OBJECTS, storage.bucket.arn_for_objects("*")),
        _allow("Jobs", allowed.jobs, queue.jobs.queue_arn),
        _allow("Dead", allowed.dead, queue.dead.queue_arn),
        _allow("Secret", SECRET, storage.secret.secret_arn),
    ]
    if storage.key:
        found.append(_allow("Key", _KEY_USE, storage.key.key_arn))
    if options.former_kms_key_arns:
        found.append(_allow("FormerKeys", ["kms:Decrypt"], *options.former_kms_key_arns))
    if options.subnet_ids:
        found.append(_allow("Network", _NETWORK, "*"))
    if options.bedrock:
        found.append(_allow("Models", allowed.models, *_models(Stack.of(storage))))
    return [statement for statement in found if statement.actions]


def _allow(sid: str, actions: Sequence[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=[*actions], resources=[*resources])


def _no_api_keys(table: str) -> iam.PolicyStatement:
    """Whoever breaks into a function shall not make himself a key."""
    return iam.PolicyStatement(
        sid="ApiKeys",
        effect=iam.Effect.DENY,
        actions=[*WRITES],
        resources=[table],
        conditions={"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [*API_KEYS]}},
    )


def _models(stack: Stack) -> list[str]:
    """Of all regions: an inference profile spreads the work over several."""
    arn = f"arn:{stack.partition}:bedrock:*"
    return [
        f"{arn}::foundation-model/*",
        f"{arn}:{stack.account}:inference-profile/*",
        f"{arn}:{stack.account}:application-inference-profile/*",
    ]
