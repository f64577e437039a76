"""What a deployment tells whoever made it."""

import re

import pytest

from infra import costs
from infra.costs import Idle
from tests.infra.synthesis import Synthesis


def test_the_base_url_is_what_a_client_takes(stack: Synthesis) -> None:
    assert re.fullmatch(
        r"https://<ApiRest\w+>\.execute-api\.<AWS::Region>\.<AWS::URLSuffix>/<\w+>/v1",
        stack.output("BaseUrl"),
    )


def test_the_next_steps_are_named(stack: Synthesis) -> None:
    assert stack.output("FirstKey") == "make key NAME=me"
    assert stack.output("ProviderKeys") == "make provider-key NAME=OPENAI_API_KEY"
    assert "L-B99A9384" in stack.output("Quota")


def test_commands_find_table_bucket_and_secret_by_the_outputs(stack: Synthesis) -> None:
    (table,), (bucket,) = stack.of_type("AWS::DynamoDB::Table"), stack.of_type("AWS::S3::Bucket")
    (secret,) = stack.of_type("AWS::SecretsManager::Secret")

    assert stack.output("TableName") == f"<{table}>"
    assert stack.output("BucketName") == f"<{bucket}>"
    assert secret in str(stack.template["Outputs"]["SecretName"])
    assert stack.output("KeepsData") == "no"


def test_the_costs_are_told_in_dollars(stack: Synthesis, rich: Synthesis) -> None:
    assert stack.output("IdleCost").startswith("$0.90 a month; $4.90 if")
    # a firewall, a key, and two snapshots of 1 GB
    assert rich.output("IdleCost").startswith("$17.81 a month")
    assert "512 MB" in stack.output("CostPer1000Requests")
    assert "1024 MB" in rich.output("CostPer1000Requests")


def test_alarms_are_paid_by_their_metrics(stack: Synthesis) -> None:
    idle = Idle(len(stack.alarm_metrics()))

    assert f"${idle.monthly_free_tier:.2f} a month; ${idle.monthly:.2f}" in stack.output("IdleCost")


def test_nothing_is_paid_for_alarms_while_an_account_has_free_ones() -> None:
    few, as_many_as_are_free, one_more = (Idle(count).monthly_free_tier for count in (3, 10, 11))

    assert few == pytest.approx(as_many_as_are_free)
    assert one_more == pytest.approx(as_many_as_are_free + costs.MONTHLY_ALARM_METRIC)


def test_waiting_for_the_model_is_most_of_the_cost() -> None:
    short, long = (costs.Request(seconds, 4, write_units=12) for seconds in (2, 60))

    assert long.cost(512) > 10 * short.cost(512)


@pytest.mark.parametrize(("memory_mb", "dollars"), [(256, 0.0167), (512, 0.0234), (1024, 0.0367)])
def test_a_short_answer_costs_what_the_price_list_says(memory_mb: int, dollars: float) -> None:
    thousand = costs.per_thousand(memory_mb)["JSON answers of 2 s"]

    assert thousand == pytest.approx(dollars, rel=0.01)


def test_every_ten_megabytes_of_a_stream_are_a_request_more() -> None:
    small, large = (costs.Request(0, kb, write_units=0, read_units=0) for kb in (1, 10 * 1024 + 1))

    more = large.cost(512) - small.cost(512)

    assert more == pytest.approx(costs.GATEWAY_REQUEST + 10 * 1024 * costs.EGRESS_KB)
