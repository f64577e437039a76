"""Alarms that mean something, and a dashboard with the figures to find out what."""

import json
import re

from infra.observability import UPSTREAM_ERRORS
from tests.infra.synthesis import JSON, Synthesis, flat

OF_THE_STACK = [{"Name": "service", "Value": "Rejoinder"}]


def own_metric(stack: Synthesis, description: str) -> tuple[JSON, JSON]:
    """What an alarm looks at, and from where on it is one."""
    (alarm,) = (
        each
        for each in stack.of_type("AWS::CloudWatch::Alarm").values()
        if each["AlarmDescription"] == f"Rejoinder: {description}."
    )
    (query,) = alarm["Metrics"]
    assert query["MetricStat"]["Stat"] == "Sum"
    return query["MetricStat"]["Metric"], alarm["Threshold"]


def test_there_is_an_alarm_for_all_that_somebody_must_look_at(stack: Synthesis) -> None:
    alarms = [
        flat(each["AlarmDescription"]) for each in stack.of_type("AWS::CloudWatch::Alarm").values()
    ]

    assert sorted(alarms) == [
        "Rejoinder: 5xx answers.",
        "Rejoinder: A function broke.",
        "Rejoinder: A job that was given up could not be told of.",
        "Rejoinder: A job was given up.",
        "Rejoinder: Background responses wait too long.",
        "Rejoinder: Calls of models failed.",
        "Rejoinder: DynamoDB refused requests.",
        "Rejoinder: Too few concurrent functions.",
    ]


def test_silence_is_no_alarm(stack: Synthesis) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()

    assert {each["TreatMissingData"] for each in alarms} == {"notBreaching"}


def test_a_metric_that_says_nothing_does_not_silence_its_alarm(stack: Synthesis) -> None:
    queries = [
        {query["Id"]: query for query in each["Metrics"]}
        for each in stack.of_type("AWS::CloudWatch::Alarm").values()
        if "Metrics" in each
    ]

    sums = [
        (query["Expression"], each.keys() - {id})
        for each in queries
        for id, query in each.items()
        if "Expression" in query
    ]

    assert len(sums) == 3
    for expression, ids in sums:
        assert set(re.findall(r"FILL\((\w+), 0\)", expression)) == ids
        assert re.sub(r"FILL\(\w+, 0\)", "m", expression) == " + ".join("m" for _ in ids)


def test_what_is_given_up_by_any_function_is_alarmed_of(stack: Synthesis) -> None:
    metric, threshold = own_metric(stack, "A job was given up")

    assert (metric["Namespace"], metric["MetricName"]) == ("Rejoinder", "GivenUp")
    assert metric["Dimensions"] == OF_THE_STACK
    assert threshold == 1


def test_failures_that_clients_are_told_of_in_a_stream_are_alarmed_of(stack: Synthesis) -> None:
    metric, threshold = own_metric(stack, "Calls of models failed")

    assert (metric["Namespace"], metric["MetricName"]) == ("Rejoinder", "UpstreamErrors")
    assert metric["Dimensions"] == OF_THE_STACK
    assert threshold == UPSTREAM_ERRORS


def test_a_second_region_of_the_account_has_a_dashboard_of_its_own(stack: Synthesis) -> None:
    name = flat(stack.one("AWS::CloudWatch::Dashboard")["DashboardName"])

    assert name == "Rejoinder-<AWS::Region>"
    assert stack.output("Dashboard").endswith(f"#dashboards/dashboard/{name}")


def test_the_dashboard_shows_what_the_functions_tell(stack: Synthesis) -> None:
    body = flat(stack.one("AWS::CloudWatch::Dashboard")["DashboardBody"])

    titles = {widget["properties"]["title"] for widget in json.loads(body)["widgets"]}

    for metric in (
        "Requests",
        "TimeToFirstToken",
        "InputTokens",
        "OutputTokens",
        "CostUsd",
        "DurationMs",
    ):
        assert f'["Rejoinder","{metric}","service","Rejoinder"' in body
    for metric in ("Errors", "UpstreamErrors"):
        assert f'{{Rejoinder,code,service}} MetricName=\\"{metric}\\"' in body
    assert titles >= {
        "Requests",
        "Errors by code",
        "Time to first token (ms)",
        "Tokens",
        "Cost of the models (USD)",
        "Queue age (s)",
        "Throttles",
    }
