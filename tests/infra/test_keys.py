"""The commands for keys, against the same AWS as the functions that must know the keys."""

import io
import json
import re

import boto3
import pytest

from infra import keys
from rejoinder.aws.accounts import Accounts
from rejoinder.aws.secrets import Secrets
from tests.infra.in_moto import ELSEWHERE, STACK, aws, create_stack, deployed, moto_endpoint
from tests.storage.moto_server import REGION, Aws

__all__ = ["aws", "deployed", "moto_endpoint"]

KEY = re.compile(r"sk-rj-([0-9a-f]{8})-[A-Za-z0-9_-]{43}")


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
    assert "export OPENAI_BASE_URL=https://api.example.org/us-east-1/v1" in said
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


async def test_the_region_is_the_one_that_the_cdk_deploys_to(
    deployed: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", ELSEWHERE)

    status = keys.main(["list"])

    assert status == 1
    assert f"There is no stack '{STACK}' in {ELSEWHERE}." in capsys.readouterr().err


async def test_a_stack_that_never_came_up_has_no_keys(
    deployed: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    create_stack({"Queue": {"Type": "AWS::SQS::Queue"}}, {})

    status = keys.main(["list"])

    assert status == 1
    assert f"Stack '{STACK}' has not come up: it is CREATE_COMPLETE." in capsys.readouterr().err


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
