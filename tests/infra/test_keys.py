"""The commands for keys, against the same AWS as the functions that must know the keys."""

import io
import json
import re
from collections.abc import Iterator

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from infra import keys, teardown
from rejoinder.aws.accounts import Accounts
from rejoinder.aws.secrets import Secrets
from tests.storage.moto_server import ENV, REGION, Aws, aws, moto_endpoint

__all__ = ["aws", "moto_endpoint"]

STACK = "Rejoinder"
KEY = re.compile(r"sk-rj-([0-9a-f]{8})-[A-Za-z0-9_-]{43}")


@pytest.fixture
def deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """A stack that says where the table, the bucket and the secret are."""
    for name, value in {
        **ENV,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("STACK", raising=False)
    deploy(aws, keeps_data="no")
    yield aws
    boto3.client("cloudformation").delete_stack(StackName=STACK)


def deploy(aws: Aws, *, keeps_data: str) -> None:
    outputs = {
        "BaseUrl": "https://api.example.org/prod/v1",
        "TableName": aws.table,
        "BucketName": aws.bucket_name,
        "SecretName": aws.secret_arn,
        "KeepsData": keeps_data,
    }
    template = {
        "Resources": {f"Nothing{aws.name[-8:]}": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))


class Sent(io.BytesIO):
    """The body of an answer, as urllib3 reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


async def tenant_of(aws: Aws, key: str) -> str | None:
    """As a function that has just started would say."""
    return await Accounts(
        aws.dynamodb, aws.table, Secrets(aws.secrets, aws.secret_arn)
    ).tenant_of_key(key)


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> re.Match[str]:
    assert keys.main(["new", *arguments]) == 0
    (found,) = KEY.finditer(capsys.readouterr().out)
    return found


async def test_a_new_key_opens_the_door_of_its_tenant(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made(capsys, "laptop", "--tenant", "team-a")

    assert await tenant_of(deployed, key[0]) == "team-a"
    assert await tenant_of(deployed, f"{key[0]}x") is None


async def test_keys_are_of_one_tenant_unless_it_is_said(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made(capsys, "laptop")

    assert await tenant_of(deployed, key[0]) == "default"


async def test_a_key_is_shown_once_and_kept_nowhere(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made(capsys, "laptop")

    assert key[0] not in json.dumps(await deployed.items())
    keys.main(["list"])
    assert key[0] not in capsys.readouterr().out


async def test_who_made_a_key_is_told_how_to_use_it(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.main(["new", "me"])

    said = capsys.readouterr().out

    assert "It is shown only now." in said
    assert "export OPENAI_BASE_URL=https://api.example.org/prod/v1" in said
    assert '"model": "demo"' in said


async def test_keys_are_listed_with_their_names(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = made(capsys, "laptop"), made(capsys, "build server", "--tenant", "ci")

    keys.main(["list"])

    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines == sorted(lines)
    assert any(
        line.startswith(one[1]) and line.endswith("default           laptop") for line in lines
    )
    assert any(
        line.startswith(two[1]) and line.endswith("ci                build server")
        for line in lines
    )


async def test_there_are_no_keys_at_first(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.main(["list"])

    assert capsys.readouterr().out == "There are no keys yet: make key NAME=me\n"


async def test_a_revoked_key_opens_nothing_and_is_gone(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    key = made(capsys, "laptop")

    status = keys.main(["revoke", key[1]])

    assert status == 0
    assert await tenant_of(deployed, key[0]) is None
    assert await deployed.items() == []
    assert f"Revoked {key[1]} (laptop)." in capsys.readouterr().out


async def test_an_unknown_key_cannot_be_revoked(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    status = keys.main(["revoke", "12345678"])

    assert status == 1
    assert "There is no key '12345678'" in capsys.readouterr().err


async def test_a_tenant_has_a_sane_name(deployed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    status = keys.main(["new", "me", "--tenant", "a/b"])

    assert status == 1
    assert "'a/b' is no name of a tenant" in capsys.readouterr().err


async def test_a_key_has_a_name(deployed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    status = keys.main(["new", ""])

    assert status == 1
    assert "make key NAME=me" in capsys.readouterr().err


async def test_a_providers_key_joins_the_others_in_the_secret(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-ant-1\n"))
    before = await Secrets(deployed.secrets, deployed.secret_arn).pepper()

    status = keys.main(["provider", "ANTHROPIC_API_KEY"])

    secrets = Secrets(deployed.secrets, deployed.secret_arn)
    assert status == 0
    assert (await secrets.members())["ANTHROPIC_API_KEY"] == "sk-ant-1"
    assert (await secrets.members())["OPENAI_API_KEY"] == "sk-openai"
    assert await secrets.pepper() == before
    assert "sk-ant-1" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("master", "secret", "'master' is no name of a variable"),
        ("OPENAI_API_KEY", "\n", "No key was given."),
    ],
)
async def test_what_is_no_providers_key_is_refused(
    deployed: Aws,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    typed: str,
    said: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    status = keys.main(["provider", name])

    assert status == 1
    assert said in capsys.readouterr().err


async def test_a_stack_that_is_not_there_is_named(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    status = keys.main(["--stack", "Elsewhere", "list"])

    assert status == 1
    assert f"There is no stack 'Elsewhere' in {REGION}." in capsys.readouterr().err


async def test_a_stack_of_somebody_else_is_let_be(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    template = {"Resources": {"Foreign": {"Type": "AWS::SQS::Queue"}}}
    boto3.client("cloudformation").create_stack(
        StackName="Foreign", TemplateBody=json.dumps(template)
    )

    status = keys.main(["--stack", "Foreign", "list"])

    assert status == 1
    assert "Stack 'Foreign' is not one of Rejoinder's." in capsys.readouterr().err


async def test_what_aws_refuses_is_told(deployed: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    boto3.client("dynamodb").delete_table(TableName=deployed.table)

    status = keys.main(["list"])

    assert status == 1
    assert "AWS says:" in capsys.readouterr().err


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
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    session.events.register(
        "before-send.s3.DeleteObjects",
        lambda request, **_: AWSResponse(
            request.url, 200, {}, Sent(b"<DeleteResult>%s</DeleteResult>" % error)
        ),
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
