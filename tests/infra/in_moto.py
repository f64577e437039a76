"""A deployment that the commands find: a stack in moto, which says where everything is."""

import json
from collections.abc import Iterator, Mapping

import boto3
import pytest

from infra.deployed import DESCRIPTION
from tests.storage.moto_server import ENV, REGION, Aws, aws, moto_endpoint

__all__ = ["aws", "deployed", "moto_endpoint"]

STACK = "Rejoinder"
ELSEWHERE = "eu-west-1"


@pytest.fixture
def deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A stack that says where the table, the bucket and the secret are."""
    for name in ("STACK", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        **ENV,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    deploy(aws, keeps_data="no")
    yield aws
    for region in (REGION, ELSEWHERE):
        boto3.client("cloudformation", region).delete_stack(StackName=STACK)


def deploy(aws: Aws, *, keeps_data: str, region: str = REGION) -> None:
    outputs = {
        "BaseUrl": f"https://api.example.org/{region}/v1",
        "TableName": aws.table,
        "BucketName": aws.bucket_name,
        "SecretName": aws.secret_arn,
        "KeepsData": keeps_data,
    }
    resources = {f"Nothing{aws.name[-8:]}": {"Type": "AWS::SQS::Queue"}}
    create_stack(resources, outputs, region=region)


def create_stack(
    resources: Mapping[str, object],
    outputs: Mapping[str, str],
    *,
    description: str = DESCRIPTION,
    region: str = REGION,
) -> None:
    """Another stack in the place of the present one."""
    template = {
        "Description": description,
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = boto3.client("cloudformation", region)
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
