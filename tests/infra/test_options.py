"""Options change what they say, and say what is wrong with them."""

from pathlib import Path
from typing import Any

import pytest

from infra.bundling import FUNCTIONS
from infra.options import OptionError, Options
from infra.settings import operator_settings
from rejoinder.settings import SettingsError
from tests.infra.conftest import CERTIFICATE, FORMER_KEY, GROUP, KEY, SUBNETS
from tests.infra.synthesis import JSON, Synthesis, flat, listed, synthesise


def stage(stack: Synthesis) -> JSON:
    return stack.one("AWS::ApiGateway::Stage")


def test_memory_is_that_of_all_functions(rich: Synthesis) -> None:
    assert {rich.function(name)["MemorySize"] for name in FUNCTIONS} == {1024}


def test_the_stage_is_part_of_the_address(stack: Synthesis) -> None:
    assert stage(stack)["StageName"] == "prod"
    assert stack.output("BaseUrl").endswith(">/v1")


def test_a_stage_has_the_name_that_was_asked_for(rich: Synthesis) -> None:
    assert stage(rich)["StageName"] == "live"


def test_requests_are_limited_as_asked(stack: Synthesis, rich: Synthesis) -> None:
    limits = [
        (each["ThrottlingRateLimit"], each["ThrottlingBurstLimit"])
        for found in (stack, rich)
        for each in stage(found)["MethodSettings"]
    ]

    assert limits == [(100, 200), (5, 6)]


def test_reserved_concurrency_is_that_of_the_streaming_function(
    stack: Synthesis, rich: Synthesis
) -> None:
    assert "ReservedConcurrentExecutions" not in stack.function("stream")
    assert rich.function("stream")["ReservedConcurrentExecutions"] == 7
    assert "ReservedConcurrentExecutions" not in rich.function("api")


def test_so_many_background_responses_run_at_once_as_asked(rich: Synthesis) -> None:
    scaling = [
        each["ScalingConfig"]
        for each in rich.of_type("AWS::Lambda::EventSourceMapping").values()
        if "ScalingConfig" in each
    ]

    assert scaling == [{"MaximumConcurrency": 3}]


def test_snapshots_are_of_versions_and_the_api_calls_those(
    stack: Synthesis, rich: Synthesis
) -> None:
    aliases = rich.of_type("AWS::Lambda::Alias")
    uris = {
        flat(each["Integration"]["Uri"])
        for each in rich.of_type("AWS::ApiGateway::Method").values()
    }

    assert "SnapStart" not in stack.function("stream")
    for name in ("stream", "api"):
        assert rich.function(name)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert "SnapStart" not in rich.function("worker")
    assert all(any(f"<{alias}>" in uri for alias in aliases) for uri in uris)


def test_logs_are_kept_as_long_as_asked(rich: Synthesis) -> None:
    groups = rich.of_type("AWS::Logs::LogGroup").values()

    assert {group["RetentionInDays"] for group in groups} == {7}


def test_a_key_of_ones_own_encrypts_everything(rich: Synthesis) -> None:
    table, bucket = rich.one("AWS::DynamoDB::Table"), rich.one("AWS::S3::Bucket")
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert table["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
    assert rich.one("AWS::SecretsManager::Secret")["KmsKeyId"] == KEY
    assert {each["KmsMasterKeyId"] for each in rich.of_type("AWS::SQS::Queue").values()} == {KEY}
    for name in FUNCTIONS:
        assert rich.statements(name)["Key"]["Resource"] == KEY


def test_what_a_former_key_encrypted_can_still_be_read(stack: Synthesis, rich: Synthesis) -> None:
    for name in FUNCTIONS:
        former = rich.statements(name)["FormerKeys"]

        assert (former["Action"], former["Resource"]) == ("kms:Decrypt", FORMER_KEY)
        assert "FormerKeys" not in stack.statements(name)


def test_functions_join_the_network_that_was_named(stack: Synthesis, rich: Synthesis) -> None:
    for name in FUNCTIONS:
        network = {"SubnetIds": SUBNETS, "SecurityGroupIds": [GROUP]}

        assert rich.function(name)["VpcConfig"] == network
        assert "ec2:CreateNetworkInterface" in listed(rich.statements(name)["Network"]["Action"])
        assert "Network" not in stack.statements(name)


def test_a_domain_replaces_the_address_that_aws_gave(rich: Synthesis) -> None:
    domain = rich.one("AWS::ApiGateway::DomainName")

    assert domain["DomainName"] == "ai.example.org"
    assert domain["RegionalCertificateArn"] == CERTIFICATE
    assert domain["SecurityPolicy"] == "TLS_1_2"
    assert rich.one("AWS::ApiGateway::RestApi")["DisableExecuteApiEndpoint"]
    assert rich.output("BaseUrl") == "https://ai.example.org/v1"
    assert "RegionalDomainName" in rich.output("DomainTarget")
    assert "RegionalHostedZoneId" in rich.output("DomainTargetZone")


def test_the_firewall_never_reads_bodies(stack: Synthesis, rich: Synthesis) -> None:
    acl = rich.one("AWS::WAFv2::WebACL")

    rules = {rule["Name"]: rule for rule in acl["Rules"]}
    rate = rules["rate"]["Statement"]["RateBasedStatement"]

    assert not stack.of_type("AWS::WAFv2::WebACL")
    assert rules.keys() == {
        "rate",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert (rate["AggregateKeyType"], rate["Limit"]) == ("IP", 99)
    assert rules["AWSManagedRulesKnownBadInputsRuleSet"]["OverrideAction"] == {"Count": {}}
    assert "Body" not in str(acl)
    assert rich.one("AWS::WAFv2::WebACLAssociation")


def test_metrics_of_the_firewall_have_names_even_if_the_stacks_is_long(rich: Synthesis) -> None:
    acl = rich.one("AWS::WAFv2::WebACL")

    names = {flat(each["VisibilityConfig"]["MetricName"]) for each in (acl, *acl["Rules"])}

    assert len(names) == 4
    for name in names:
        assert len(name.replace("<AWS::StackName>", "x" * 100)) <= 128


def test_alarms_are_sent_to_whom_was_named(stack: Synthesis, rich: Synthesis) -> None:
    (topic,) = rich.of_type("AWS::SNS::Topic")
    alarms = rich.of_type("AWS::CloudWatch::Alarm").values()

    assert not stack.of_type("AWS::SNS::Topic")
    assert rich.one("AWS::SNS::Subscription")["Endpoint"] == "ops@example.org"
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms)


def test_alarms_of_this_account_may_be_sent(rich: Synthesis) -> None:
    (topic,) = rich.of_type("AWS::SNS::Topic")
    policy = rich.one("AWS::SNS::TopicPolicy")

    allowed = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]

    assert policy["Topics"] == [{"Ref": topic}]
    assert allowed == [
        {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": {"Ref": topic},
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }
    ]


def test_the_region_keeps_its_role_for_logs_if_it_has_one(rich: Synthesis) -> None:
    assert not rich.of_type("AWS::ApiGateway::Account")


def test_functions_are_told_of_settings_and_of_origins(rich: Synthesis) -> None:
    for name in FUNCTIONS:
        variables = rich.function(name)["Environment"]["Variables"]

        assert variables["REJOINDER_CONFIG"] == "/var/task/rejoinder.toml"
        assert variables["REJOINDER_CORS_ORIGINS"] == "https://app.example.org"


def test_functions_are_told_that_bedrock_is_switched_off(stack: Synthesis, rich: Synthesis) -> None:
    for name in FUNCTIONS:
        assert "REJOINDER_BEDROCK" not in stack.function(name)["Environment"]["Variables"]
        assert rich.function(name)["Environment"]["Variables"]["REJOINDER_BEDROCK"] == "off"


def test_settings_are_deployed_with_each_function(rich: Synthesis) -> None:
    deployed = [path.read_text() for path in rich.folder.glob("asset.*/rejoinder.toml")]

    assert len(deployed) == len(FUNCTIONS)
    for text in deployed:
        assert text.startswith("retention_seconds = 864000\n")
        assert 'api_key_env = "OPENAI_API_KEY"' in text


def test_objects_outlive_the_retention_that_was_asked_for(rich: Synthesis) -> None:
    (rule,) = rich.one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert rule["ExpirationInDays"] == 10 + 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"memoryMb": "lots"}, "memoryMb='lots': Input should be a valid integer"),
        ({"memoryMb": "64"}, "memoryMb='64': Input should be greater than or equal to 256"),
        ({"memory": "256"}, "memory is not an option; did you mean memoryMb?"),
        ({"colour": "red"}, "colour is not an option; known are stage, config,"),
        ({"memory_mb": "1024"}, "memory_mb is not an option; did you mean memoryMb?"),
        ({"keep-data": "true"}, "keep-data is not an option; did you mean keepData?"),
        ({"KMS_KEY_ARN": "arn"}, "KMS_KEY_ARN is not an option; did you mean kmsKeyArn?"),
        ({"stackName": "Prod"}, "stackName is not an option; say STACK=Prod to every command."),
        ({"logRetentionDays": "31"}, "logRetentionDays='31': known are 1, 3, 5, 7, 14, 30,"),
        ({"domainName": "ai.example.org"}, "domainName and certificateArn go together."),
        ({"kmsKeyArn": "alias/mine"}, "kmsKeyArn='alias/mine': String should match pattern"),
        (
            {"formerKmsKeyArns": "alias/mine"},
            "formerKmsKeyArns='alias/mine': String should match pattern",
        ),
        ({"subnetIds": "subnet-0aa0bb00"}, "subnetIds and securityGroupIds go together."),
        ({"securityGroupIds": "mine"}, "securityGroupIds='mine': String should match pattern"),
        ({"corsOrigins": "example.org"}, "corsOrigins='example.org': String should match pattern"),
        ({"stage": "a/b"}, "stage='a/b': String should match pattern"),
        ({"waf": "perhaps"}, "waf='perhaps': Input should be a valid boolean"),
        (
            {"wafRequestsPer5Minutes": "2000000001"},
            "wafRequestsPer5Minutes='2000000001': Input should be less than or equal to 2000000000",
        ),
    ],
)
def test_an_impossible_option_is_refused_by_its_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError) as refused:
        Options.of(given)

    assert str(refused.value).startswith(said)


def test_the_context_of_the_cdk_itself_is_let_be() -> None:
    options = Options.of(
        {
            "@aws-cdk/core:flag": True,
            "aws:cdk:bundling-stacks": ["**"],
            "acknowledged-issue-numbers": [34892],
            "cli-telemetry": False,
        }
    )

    assert options == Options()


@pytest.mark.parametrize(
    ("text", "context", "said"),
    [
        ("retries = 9", {}, "retries must be a whole number from 0 to 5; got 9."),
        ("retries = ", {}, "is not TOML"),
        ("[keys]\nme = 'sk-12345678'", {}, "keys must not be deployed."),
        (
            "[providers.x]\nbase_url = 'https://x'\napi_key = 'sk-1'",
            {},
            "providers.x.api_key must not be deployed.",
        ),
        (
            "[webhooks.x]\ntenant = 'a'\nurl = 'https://x'\nsecret = 'sk-of-both-of-them'",
            {},
            "webhooks.x.secret must not be deployed.",
        ),
        ("retention_seconds = 60", {"retentionDays": "1"}, "says retention_seconds; drop one"),
        (
            "[aliases]\nfast = 'opnai/gpt-4o'",
            {},
            'aliases.fast names "opnai/gpt-4o", which nobody here serves; did you mean '
            '"openai/gpt-4o"?',
        ),
        (
            "[aliases]\nfast = 'work/a'",
            {"bedrock": "false"},
            'aliases.fast names "work/a", which nobody here serves; write PROVIDER/MODEL, with '
            "one of demo, openai, openrouter, groq, mistral, deepseek, together, xai, fireworks, "
            "cerebras, anthropic.",
        ),
        (
            "[fallbacks]\n'gpt-4o' = ['demo', 'ollama/qwen3']",
            {},
            'fallbacks.gpt-4o[1] names "ollama/qwen3", which nobody here serves;',
        ),
        ("[fallbacks]\n'claud-5' = ['demo']", {}, 'fallbacks.claud-5 names "claud-5", which'),
        ("[aliases]\nfast = 'demos'", {}, 'did you mean "demo"?'),
        (
            "[aliases]\nclaude = 'amazon.nova-lite-v1:0'",
            {"bedrock": "false"},
            'aliases.claude names "amazon.nova-lite-v1:0", which nobody here serves;',
        ),
        (
            "[routes]\n'x-*' = 'opnai'",
            {},
            'routes."x-*" leads to "opnai", which is no provider here; did you mean "openai"?',
        ),
    ],
)
def test_settings_are_checked_before_they_are_deployed(
    tmp_path: Path, text: str, context: dict[str, str], said: str
) -> None:
    path = tmp_path / "rejoinder.toml"
    path.write_text(text)

    with pytest.raises((OptionError, SettingsError)) as refused:
        operator_settings(Options.of({"config": str(path), **context}))

    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_names_that_a_key_may_yet_bring_to_life_can_be_deployed(tmp_path: Path) -> None:
    path = tmp_path / "rejoinder.toml"
    path.write_text("""
        [providers.work]
        base_url = "https://x"
        models = ["llama-*", "qwen3"]
        [aliases]
        a = "openai/gpt-4o"
        b = "gpt-4o"
        c = "claude-sonnet-4-5"
        d = "work/any"
        e = "work.any"
        f = "llama-3"
        g = "qwen3"
        h = "amazon.nova-lite-v1:0"
        i = "demo"
        j = "routed-1"
        [routes]
        "routed-*" = "groq"
        [fallbacks]
        a = ["b", "bedrock/anything"]
    """)

    settings, _ = operator_settings(Options.of({"config": str(path)}))

    assert len(settings.aliases) == 10


def test_settings_that_are_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml cannot be read"):
        operator_settings(Options.of({"config": str(tmp_path / "nowhere.toml")}))


def test_there_need_not_be_any_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings, text = operator_settings(Options())

    assert (settings.retention_seconds, text) == (30 * 24 * 3600, "")


def test_a_stack_has_the_name_that_every_command_knows_it_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", "Prod")

    done = synthesise(tmp_path / "out")

    prod = Synthesis(tmp_path / "out", "Prod")
    assert done.returncode == 0, done.stderr
    assert prod.one("AWS::ApiGateway::RestApi")["Name"] == "Prod"
    assert prod.output("FirstKey") == "make key NAME=me STACK=Prod"


@pytest.mark.parametrize("name", ["my stack", "1st", "a_b", "x" * 101])
def test_a_stack_cannot_have_every_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("STACK", name)

    done = synthesise(tmp_path / "out")

    assert done.returncode == 1
    assert f"STACK={name!r} is no name of a stack:" in done.stderr


def test_a_mistake_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    done = synthesise(tmp_path / "out", {"memoryMb": "1"})

    assert done.returncode == 1
    assert "memoryMb='1': Input should be greater than or equal to 256." in done.stderr
    assert "Traceback" not in done.stderr
