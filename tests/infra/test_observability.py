"""Alarms that mean something, and a dashboard with the figures to find out what."""

import json

from tests.infra.synthesis import Synthesis, flat


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
        "Rejoinder: DynamoDB refused requests.",
        "Rejoinder: Too few concurrent functions.",
    ]


def test_silence_is_no_alarm(stack: Synthesis) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()

    assert {each["TreatMissingData"] for each in alarms} == {"notBreaching"}


def test_the_alarms_fit_into_the_free_ones_of_an_account(stack: Synthesis) -> None:
    assert len(stack.of_type("AWS::CloudWatch::Alarm")) <= 10


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
    assert '{Rejoinder,code,service} MetricName=\\"Errors\\"' in body
    assert titles >= {
        "Requests",
        "Errors by code",
        "Time to first token (ms)",
        "Tokens",
        "Cost of the models (USD)",
        "Queue age (s)",
        "Throttles",
    }
