"""The streaming function: create and retrieve."""

import json
import logging

import pytest

from rejoinder.aws.client import AwsError
from rejoinder.deployment import Deployment
from rejoinder.deployment.front import Front
from rejoinder.deployment.place import Place
from rejoinder.settings import SettingsError
from tests.background.asking import event_of, frames_in
from tests.functions.cloud import KEY, OTHER_KEY, UPSTREAM_KEY, Cloud, Streaming, streaming
from tests.upstreams.chat_replies import failure, text

NEW_UPSTREAM_KEY = "sk-upstream-after-rotation"
PROMPT = "a prompt that nobody else shall read"
OUTPUT = "an output that nobody else shall read"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def fronted(cloud: Cloud, clock: Clock) -> Front:
    return Front(Deployment(Place.from_env(cloud.env), cloud.env, asks=True, clock=clock))


def test_a_response_is_made_stored_and_found_again(cloud: Cloud, stream: Streaming) -> None:
    model = cloud.models.saying(text("Hel", "lo"))

    made = stream.create(model=model, input="Say hello!")

    assert made.status_code == 200, made.text
    assert made.json()["output_text"] == "Hello"
    found = stream.ask("GET", f"/v1/responses/{made.json()['id']}")
    assert found.json() == made.json()


def test_a_stream_can_be_rejoined_from_the_store(cloud: Cloud, stream: Streaming) -> None:
    model = cloud.models.saying(text("Hel", "lo"))

    told = frames_in(stream.create(model=model, input="Say hello!", stream=True))

    response_id = event_of(told[0])["response"]["id"]
    again = stream.ask("GET", f"/v1/responses/{response_id}?stream=true")
    assert frames_in(again) == told
    assert event_of(told[-1])["type"] == "response.completed"


def test_a_conversation_goes_on_in_another_process(cloud: Cloud, stream: Streaming) -> None:
    first = stream.create(model=cloud.models.saying(text("Blue.")), input="A colour?").json()
    model = cloud.models.saying(text("Red."))

    with streaming() as other:
        second = other.create(model=model, input="Another?", previous_response_id=first["id"])

    assert second.json()["output_text"] == "Red."
    said = [said for _, said in cloud.models.history(model)]
    assert said == ["A colour?", "Blue.", "Another?"]


@pytest.mark.parametrize("key", ["", "sk-rj-00000000-unknown"])
def test_without_a_key_that_is_known_nobody_is_let_in(stream: Streaming, key: str) -> None:
    refused = stream.create(model="demo", input="Hello", key=key)

    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authentication_error"


def test_what_one_tenant_keeps_another_cannot_find(cloud: Cloud, stream: Streaming) -> None:
    made = stream.create(model="demo", input="Hello").json()

    found = stream.ask("GET", f"/v1/responses/{made['id']}", key=OTHER_KEY)

    assert found.status_code == 404


def test_a_body_that_lambda_would_not_take_is_refused(stream: Streaming) -> None:
    refused = stream.create(model="demo", input="x" * 4_600_000)

    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "request_too_large"


def test_an_operator_may_set_another_limit_of_bodies(cloud: Cloud) -> None:
    cloud.open("max_body_bytes = 2048\n")

    with streaming() as stream:
        refused = stream.create(model="demo", input="x" * 2049)

    assert refused.status_code == 413


def test_near_the_deadline_a_response_ends_as_incomplete(cloud: Cloud, stream: Streaming) -> None:
    model = cloud.models.saying(text(*["word "] * 200).paced(0.05))

    told = frames_in(stream.create(model=model, input="Talk!", stream=True, left_seconds=10.8))

    last = event_of(told[-1])
    assert last["type"] == "response.incomplete"
    found = stream.ask("GET", f"/v1/responses/{last['response']['id']}").json()
    assert found["status"] == "incomplete"


def test_a_key_that_was_changed_at_the_upstream_is_fetched_after_it_is_refused(
    cloud: Cloud,
) -> None:
    clock = Clock()
    with streaming(fronted(cloud, clock)) as stream:
        cloud.upstream.api_key = NEW_UPSTREAM_KEY
        cloud.keep_secret({"SCRIPTED_API_KEY": NEW_UPSTREAM_KEY})
        clock.seconds = 20.0

        refused = stream.create(model=cloud.models.saying(text("Hello")), input="Hello")
        accepted = stream.create(model=cloud.models.saying(text("Hello")), input="Hello")

    assert refused.json()["error"]["code"] == "upstream_auth"
    assert accepted.json()["output_text"] == "Hello"


def test_a_changed_secret_is_seen_after_five_minutes(cloud: Cloud) -> None:
    clock = Clock()
    with streaming(fronted(cloud, clock)) as stream:
        before = [each["id"] for each in stream.ask("GET", "/v1/models").json()["data"]]
        cloud.keep_secret({"SCRIPTED_API_KEY": UPSTREAM_KEY, "ANTHROPIC_API_KEY": "sk-ant"})
        clock.seconds = 299.0
        early = stream.create(model="anthropic/claude-x", input="Hello")
        clock.seconds = 301.0
        late = stream.ask("GET", "/v1/models/claude-x")

    assert "demo" in before
    assert early.json()["error"]["code"] == "model_not_found"
    assert late.json()["owned_by"] == "anthropic"


def test_a_response_goes_on_while_the_secret_changes(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_MAX_CONCURRENCY", "2")
    clock = Clock()
    slow = cloud.models.saying(text(*["word "] * 20).paced(0.2))
    quick = cloud.models.saying(text("Quick."))

    def until_all_has_changed() -> None:
        assert cloud.upstream.wait_until(lambda: len(cloud.models.heard(slow)) == 1)
        cloud.upstream.api_key = NEW_UPSTREAM_KEY
        clock.seconds = 301.0

    with streaming(fronted(cloud, clock)) as stream:
        cloud.keep_secret({"SCRIPTED_API_KEY": NEW_UPSTREAM_KEY})
        first, second = stream.meanwhile(
            {"model": slow, "input": "Talk!"},
            until_all_has_changed,
            {"model": quick, "input": "Quick!"},
        )

    assert first.json()["output_text"] == "word " * 20
    assert second.json()["output_text"] == "Quick."


def test_a_secret_that_is_of_no_use_does_not_replace_the_one_that_was(cloud: Cloud) -> None:
    clock = Clock()
    with streaming(fronted(cloud, clock)) as stream:
        cloud.keep_secret({"SOMETHING_ELSE": "x"})  # the settings want SCRIPTED_API_KEY
        clock.seconds = 301.0

        made = stream.create(model=cloud.models.saying(text("Hello")), input="Hello")

    assert made.json()["output_text"] == "Hello"


def test_a_revoked_key_is_good_for_a_minute_at_most(cloud: Cloud) -> None:
    clock = Clock()
    with streaming(fronted(cloud, clock)) as stream:
        assert stream.ask("GET", "/v1/models").status_code == 200
        cloud.revoke(KEY)

        clock.seconds = 59.0
        soon = stream.ask("GET", "/v1/models")
        clock.seconds = 61.0
        later = stream.ask("GET", "/v1/models")

    assert (soon.status_code, later.status_code) == (200, 401)


def test_a_snapshot_knows_no_secret_and_no_key(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    cloud.keep_secret({"SOMETHING_ELSE": "x"})  # the settings want SCRIPTED_API_KEY
    with streaming() as stream:
        cloud.upstream.api_key = NEW_UPSTREAM_KEY
        cloud.keep_secret({"SCRIPTED_API_KEY": NEW_UPSTREAM_KEY})
        cloud.revoke(OTHER_KEY)

        stream.restore()

        made = stream.create(model=cloud.models.saying(text("Hello")), input="Hello")
        refused = stream.ask("GET", "/v1/models", key=OTHER_KEY)
    assert made.json()["output_text"] == "Hello"
    assert refused.status_code == 401


def test_pages_of_the_origins_that_the_operator_names_may_ask(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_CORS_ORIGINS", "https://one.example,https://two.example")
    page = {"origin": "https://two.example"}
    wish = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }

    with streaming() as stream:
        preflight = stream.ask("OPTIONS", "/v1/responses", headers=page | wish)
        answer = stream.ask("GET", "/v1/models", headers=page)
        other = stream.ask("GET", "/v1/models", headers={"origin": "https://three.example"})

    assert preflight.status_code == 200
    assert preflight.content  # API Gateway may hang on an empty one
    assert preflight.headers["access-control-allow-origin"] == "https://two.example"
    assert answer.headers["access-control-allow-origin"] == "https://two.example"
    assert "access-control-allow-origin" not in other.headers


def test_what_is_logged_says_how_it_went_and_nothing_of_what_was_said(
    cloud: Cloud, stream: Streaming, capsys: pytest.CaptureFixture[str]
) -> None:
    for reply in text(OUTPUT), failure(500, OUTPUT), failure(401, OUTPUT):
        for is_stream in True, False:
            stream.create(model=cloud.models.saying(reply), input=PROMPT, stream=is_stream)
    stream.create(model="demo", input=7, user=PROMPT)
    stream.ask("GET", f"/v1/{PROMPT}")
    logging.getLogger("rejoinder").error("odd", extra={"content": PROMPT, "why": "x" * 999})
    try:
        raise ValueError(PROMPT)
    except ValueError:
        logging.getLogger("rejoinder").exception("broke")

    written = capsys.readouterr().out
    secrets = [PROMPT, OUTPUT, KEY, UPSTREAM_KEY, "m" * 64, "an example", '"one"']
    assert [secret for secret in secrets if secret in written] == []
    lines = [json.loads(line) for line in written.splitlines()]
    requests = [line for line in lines if line.get("message") == "request"]
    assert [line["cold_start"] for line in requests] == [True] + [False] * 7
    assert {line["route"] for line in requests} == {"/v1/responses", ""}
    assert requests[0].keys() >= {"request_id", "tenant", "duration_ms", "outcome", "stack"}
    named = {name for line in lines for name in line}
    measured = {"Requests", "Errors", "DurationMs", "TimeToFirstToken", "OutputTokens"}
    assert named >= measured | {"InputTokens", "UpstreamErrors"}
    codes = {line["code"] for line in lines if "Errors" in line}
    assert {"upstream_auth", "upstream_unavailable", "unknown_url"} <= codes


def test_what_the_stack_forgot_is_named(cloud: Cloud) -> None:
    env = {name: value for name, value in cloud.env.items() if name != "REJOINDER_TABLE"}

    with pytest.raises(SettingsError, match="REJOINDER_TABLE is not set"):
        Place.from_env(env)


def test_a_function_that_may_not_read_its_secret_does_not_start(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_SECRET_ARN", "nothing")

    with pytest.raises(AwsError, match="ResourceNotFoundException"), streaming():
        pass
