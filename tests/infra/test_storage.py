"""Where things are kept, and what becomes of them."""

from rejoinder.aws.table import RESPONSE_OBJECTS, TABLE, TIME_TO_LIVE
from tests.infra.synthesis import Synthesis


def test_the_table_is_the_one_that_the_stores_know(stack: Synthesis) -> None:
    table = stack.one("AWS::DynamoDB::Table")

    assert {name: table[name] for name in TABLE} == TABLE
    assert table["TimeToLiveSpecification"] == TIME_TO_LIVE


def test_the_bucket_is_private_and_forgets_after_the_table_did(stack: Synthesis) -> None:
    bucket = stack.one("AWS::S3::Bucket")

    (rule,) = bucket["LifecycleConfiguration"]["Rules"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == 30 + 2
    assert rule["Prefix"] == RESPONSE_OBJECTS  # conversations stay


def test_the_secret_is_made_by_aws_and_never_in_the_template(stack: Synthesis) -> None:
    secret = stack.one("AWS::SecretsManager::Secret")

    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "master",
        "PasswordLength": 64,
        "ExcludePunctuation": True,
    }
    assert "SecretString" not in secret


def test_nothing_with_data_outlives_the_stack(stack: Synthesis) -> None:
    kept = {
        resource["Type"]
        for resource in stack.template["Resources"].values()
        if resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate", "Snapshot")
    }

    assert kept == {"AWS::ApiGateway::Account", "AWS::IAM::Role"}  # all APIs of a region share them
    assert not stack.one("AWS::DynamoDB::Table")["DeletionProtectionEnabled"]


def test_the_data_outlives_the_stack_if_that_is_asked_for(rich: Synthesis) -> None:
    kept = {
        resource["Type"]
        for resource in rich.template["Resources"].values()
        if resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    }
    table = rich.one("AWS::DynamoDB::Table")

    assert kept == {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}
    assert table["DeletionProtectionEnabled"]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert rich.output("KeepsData") == "yes"


def test_a_first_deployment_that_fails_leaves_nothing_that_costs(rich: Synthesis) -> None:
    policies = {
        resource["Type"]: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for resource in rich.template["Resources"].values()
        if "UpdateReplacePolicy" in resource
    }

    assert policies["AWS::S3::Bucket"] == ("RetainExceptOnCreate", "Retain")
    assert policies["AWS::SecretsManager::Secret"] == ("RetainExceptOnCreate", "Retain")
    assert policies["AWS::DynamoDB::Table"] == ("Retain", "Retain")  # protected: nothing removes it
