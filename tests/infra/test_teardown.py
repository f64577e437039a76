"""What is done before a stack is removed: asked, and its bucket emptied."""

import io
from collections.abc import Iterator

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.cloudformation.models import cloudformation_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra import teardown
from tests.infra.in_moto import (
    ELSEWHERE,
    STACK,
    aws,
    create_stack,
    deploy,
    deployed,
    moto_endpoint,
)
from tests.storage.moto_server import REGION, Aws

__all__ = ["aws", "deployed", "moto_endpoint"]


class Sent(io.BytesIO):
    """The body of an answer, as urllib3 reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


async def test_a_bucket_is_emptied_before_its_stack_is_removed(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        await deployed.bucket.put(f"tenant/{name}", b"content")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{STACK}\n"))

    status = teardown.main([])

    assert status == 0
    assert "Removed 2 objects" in capsys.readouterr().out
    assert await deployed.bucket.get("tenant/one") is None


async def test_nothing_is_removed_without_the_stacks_name(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.bucket.put("tenant/one", b"content")
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))

    status = teardown.main([])

    assert status == 1
    assert "Nothing was removed." in capsys.readouterr().err
    assert await deployed.bucket.get("tenant/one") == b"content"


async def test_what_is_not_deployed_cannot_be_removed(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    status = teardown.main(["--stack", "Elsewhere"])

    assert status == 1
    assert "There is no stack 'Elsewhere'" in capsys.readouterr().err


async def test_a_bucket_that_is_gone_is_told(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("s3").delete_bucket(Bucket=deployed.bucket_name)

    status = teardown.main(["--yes"])

    assert status == 1
    assert "AWS says:" in capsys.readouterr().err


async def test_objects_that_may_not_be_removed_are_told(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.bucket.put("tenant/one", b"content")
    error = b"<Error><Key>tenant/one</Key><Message>Access Denied</Message></Error>"
    session = boto3.Session()
    monkeypatch.setattr(boto3, "Session", lambda **_: session)
    sent = Sent(b"<DeleteResult>%s</DeleteResult>" % error)
    session.events.register(
        "before-send.s3.DeleteObjects",
        lambda request, **_: AWSResponse(request.url, 200, HTTPHeaders(), sent),  # type: ignore[arg-type]
    )

    status = teardown.main(["--yes"])

    assert status == 1
    assert "could not be removed; the first, tenant/one: Access Denied" in capsys.readouterr().err


async def test_data_that_is_to_be_kept_is_kept(deployed: Aws) -> None:
    deploy(deployed, keeps_data="yes")
    await deployed.bucket.put("tenant/one", b"content")

    status = teardown.main(["--yes"])

    assert status == 0
    assert await deployed.bucket.get("tenant/one") == b"content"


async def test_who_is_asked_is_told_what_goes_and_where(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))

    teardown.main([])

    asked = capsys.readouterr().out
    assert f"Remove {STACK} (https://api.example.org/us-east-1/v1)" in asked
    assert f"in {REGION}, account {DEFAULT_ACCOUNT_ID}?" in asked
    assert "All responses and keys go with it." in asked


async def test_the_region_is_the_one_that_the_cdk_destroys_in(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = boto3.client("s3", ELSEWHERE)
    there = f"{deployed.bucket_name}-there"
    s3.create_bucket(Bucket=there, CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    s3.put_object(Bucket=there, Key="one", Body=b"content")
    await deployed.bucket.put("tenant/one", b"content")
    come_up(there, region=ELSEWHERE)
    monkeypatch.setenv("AWS_REGION", ELSEWHERE)

    status = teardown.main(["--yes"])

    assert status == 0
    assert f"Removed 1 objects from {there}." in capsys.readouterr().out
    assert await deployed.bucket.get("tenant/one") == b"content"


@pytest.mark.parametrize(
    "status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"]
)
async def test_a_stack_that_never_came_up_can_be_removed(
    deployed: Aws,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    status: str,
) -> None:
    bucket = break_down(deployed, status)
    boto3.client("s3").put_object(Bucket=bucket, Key="one", Body=b"content")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{STACK}\n"))

    done = teardown.main([])

    said = capsys.readouterr().out
    assert done == 0
    assert f"Remove {STACK} ({status})" in said
    assert f"Removed 1 objects from {bucket}." in said


async def test_a_stack_that_never_came_to_a_bucket_can_be_removed(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    create_stack({"Queue": {"Type": "AWS::SQS::Queue"}}, {})
    set_status("ROLLBACK_COMPLETE")

    status = teardown.main(["--yes"])

    assert status == 0
    assert "Removed" not in capsys.readouterr().out


async def test_data_is_kept_as_well_where_the_removal_failed_before(deployed: Aws) -> None:
    bucket = break_down(deployed, "DELETE_FAILED", KeepsData="yes")
    boto3.client("s3").put_object(Bucket=bucket, Key="one", Body=b"content")

    status = teardown.main(["--yes"])

    assert status == 0
    assert boto3.client("s3").get_object(Bucket=bucket, Key="one")["Body"].read() == b"content"


async def test_a_stack_of_somebody_else_that_never_came_up_is_let_be(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    create_stack({"Queue": {"Type": "AWS::SQS::Queue"}}, {}, description="Payroll")
    set_status("ROLLBACK_COMPLETE")

    status = teardown.main(["--yes"])

    assert status == 1
    assert f"Stack '{STACK}' is not one of Rejoinder's." in capsys.readouterr().err


async def test_a_stack_that_is_about_to_come_up_is_not_removed(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    break_down(deployed, "CREATE_IN_PROGRESS")

    status = teardown.main(["--yes"])

    assert status == 1
    assert f"Stack '{STACK}' has not come up: it is CREATE_IN_PROGRESS." in capsys.readouterr().err


def come_up(bucket: str, *, region: str) -> None:
    outputs = dict.fromkeys(("BaseUrl", "TableName", "SecretName"), "somewhere")
    resources = {"Queue": {"Type": "AWS::SQS::Queue"}}
    create_stack(resources, {**outputs, "BucketName": bucket, "KeepsData": "no"}, region=region)


def break_down(aws: Aws, status: str, **outputs: str) -> str:
    """A stack that has a bucket and no address; gives the bucket's name."""
    name = f"{aws.bucket_name}-left"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    create_stack({"StorageBucket19DB2FF8": bucket}, outputs)
    set_status(status)
    return name


def set_status(status: str) -> None:
    (stack,) = (
        each
        for each in cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
        if each.name == STACK
    )
    stack.status = status
