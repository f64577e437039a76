"""What is looked at before a deployment."""

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra import ready
from tests.infra.in_moto import aws, deployed, moto_endpoint
from tests.storage.moto_server import Aws

__all__ = ["aws", "deployed", "moto_endpoint"]

CDK = "npx --yes aws-cdk@2"
REGION = "eu-central-1"  # where no other test looks for the CDK


@pytest.fixture
def region(deployed: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_REGION", REGION)
    return REGION


def bootstrap(qualifier: str) -> None:
    name = f"/cdk-bootstrap/{qualifier}/version"
    boto3.client("ssm", REGION).put_parameter(Name=name, Value="21", Type="String", Overwrite=True)


def test_the_command_that_comes_first_is_told(
    region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = ready.main(["--cdk", CDK, "-c", "@aws-cdk/core:bootstrapQualifier=never"])

    assert status == 1
    told = capsys.readouterr().err
    assert f"    {CDK} bootstrap aws://{DEFAULT_ACCOUNT_ID}/{region}\n" in told


def test_nothing_is_said_where_the_cdk_was_used_before(
    region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap("hnb659fds")

    status = ready.main(["--cdk", CDK, "--require-approval", "never", "-c", "waf=true"])

    assert status == 0
    assert capsys.readouterr() == ("", "")


def test_a_qualifier_of_ones_own_is_looked_for(region: str) -> None:
    bootstrap("mine")

    assert ready.main(["-c", "@aws-cdk/core:bootstrapQualifier=mine"]) == 0


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "Unable to locate credentials"),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "You must specify a region."),
    ],
)
def test_what_the_environment_lacks_is_told(
    region: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    missing: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    for name in missing:
        monkeypatch.delenv(name)

    status = ready.main([])

    assert status == 1
    told = capsys.readouterr().err
    assert said in told
    assert "AWS_PROFILE=…, AWS_REGION=…" in told


def test_a_profile_that_only_the_cdk_would_know_is_refused(
    region: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = ready.main(["--profile", "work"])

    assert status == 1
    assert "Say AWS_PROFILE=work" in capsys.readouterr().err
