"""The smoke test against the local server, and against doors to it that answer otherwise."""

import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from http import HTTPStatus
from io import StringIO

import pytest

from infra.smoke.__main__ import main
from infra.smoke.catalogue import CHECKS
from tests.infra.bent import GATEWAY, Asked, Said, bent, refusal
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream

LINE = re.compile(r"^  ([✓≠✗·]) (\S+)\s+(.+)$", re.MULTILINE)
BODIES = {"body-5mb", "body-of-quotes", "body-11mb"}


@dataclass(frozen=True)
class Ran:
    """What a run of the smoke test came to."""

    status: int
    text: str

    @property
    def marks(self) -> Mapping[str, str]:
        return {name: mark for mark, name, _ in LINE.findall(self.text)}

    @property
    def facts(self) -> Mapping[str, str]:
        return {name: fact for _, name, fact in LINE.findall(self.text)}


def run(url: str, *arguments: str, key: str = KEY, model: str = "") -> Ran:
    """As `make smoke` does it."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as env, redirect_stdout(said):
        for name, value in {"URL": url, "KEY": key, "MODEL": model}.items():
            env.setenv(name, value)
        status = main(["--quick", *arguments])
    return Ran(status, said.getvalue())


@pytest.fixture(scope="module")
def local(
    tmp_path_factory: pytest.TempPathFactory, generic_upstream: ChatUpstream
) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("smoked")
    upstream = generic_upstream.base_url
    with Server(data, upstream, "heartbeat_seconds = 0.5", flavour="generic") as server:
        yield server


@pytest.fixture(scope="module")
def whole(local: Server) -> Ran:
    return run(local.base_url, model="scripted/smoked")


def test_nothing_is_broken_at_the_local_server(whole: Ran) -> None:
    broken = {name: whole.facts[name] for name, mark in whole.marks.items() if mark == "✗"}

    assert not broken
    assert whole.status == 0
    assert whole.marks.keys() == CHECKS.keys()


def test_what_only_api_gateway_does_is_not_looked_for_elsewhere(whole: Ran) -> None:
    absent = {name for name, mark in whole.marks.items() if mark == "·"}

    assert absent == {*BODIES, "pages", "long-headers", "idle"}


def test_a_head_is_what_was_believed(whole: Ran) -> None:
    assert whole.marks["headers"] == "✓", whole.facts["headers"]


def test_heartbeats_are_counted(whole: Ran) -> None:
    beats = re.search(r"(\d+) heartbeats", whole.facts["silence"])

    assert beats
    assert int(beats[1]) > 0


def test_a_model_that_was_named_is_asked(whole: Ran) -> None:
    assert whole.facts["model"].startswith("scripted/smoked: first word after")


def test_contexts_are_looked_at(whole: Ran) -> None:
    contexts = ("conversation", "input-tokens", "compact", "openai-prefix")

    assert {whole.marks[name] for name in contexts} == {"✓"}
    assert whole.facts["input-tokens"].startswith("scripted/smoked: ")


def test_the_block_for_an_issue_has_all_facts_and_no_secrets(whole: Ran) -> None:
    block = whole.text.split("```")[1]

    assert all(fact in block for fact in whole.facts.values())
    assert KEY not in whole.text
    assert "127.0.0.1" not in block


def test_some_checks_can_be_asked_alone(local: Server) -> None:
    ran = run(local.url, "head")

    assert ran.status == 0
    assert [*ran.marks] == ["reach", "head"]


def test_a_silence_of_some_minutes_is_asked_for(local: Server) -> None:
    ran = run(local.url, "idle", "--idle", "0.003")

    assert ran.status == 0
    assert re.fullmatch(
        r"\d+ ms to the first event, \d+ ms after 0\.003 minutes in which nobody asked .+",
        ran.facts["idle"],
    )


def test_a_proxy_that_buffers_is_found_out(local: Server) -> None:
    with bent(local.url, lambda _: None, {}) as url:
        ran = run(url, "pacing")

    assert ran.status == 1
    assert "something buffers" in ran.facts["pacing"]


def as_believed(asked: Asked) -> Said | None:
    """What docs/deploy.md believes of API Gateway."""
    if "x-padding" in asked.headers:
        return refusal(431, "bad_request", by_gateway=True)
    if len(asked.body) > 4_000_000:
        return refusal(413, "request_too_large", by_gateway=True)
    return None


def as_feared(asked: Asked) -> Said | None:
    """What it may do instead, without breaking much."""
    if asked.path == "/" and "authorization" in asked.headers:
        return refusal(401, "invalid_api_key", by_gateway=True)
    if len(asked.body) > 4_000_000:
        return refusal(503, "gateway_unavailable", by_gateway=True)
    if b"silent" in asked.body:
        return refusal(429, "rate_limit_exceeded", by_gateway=True)
    return None


def as_forgotten(asked: Asked) -> Said | None:
    """Gateway responses that somebody forgot to shape."""
    if asked.path == "/" or len(asked.body) > 4_000_000:
        return Said(403, b'{"message": "Forbidden"}', GATEWAY)
    if "x-padding" in asked.headers:
        return unreadable()
    if b"silent" in asked.body:
        return refusal(500, "internal_error")
    if asked.method == "PUT":
        return refusal(405, "method_not_allowed")
    return None


def unreadable() -> Said:
    said = refusal(431, "bad_request", by_gateway=True)
    kept = {name: value for name, value in said.headers.items() if "allow-origin" not in name}
    return Said(said.status, said.body, kept)


GATEWAYS = ("root", "pages", *BODIES, "long-headers", "error-426", "concurrency")


def test_api_gateway_is_as_expected_when_it_is_as_believed(local: Server) -> None:
    with bent(local.url, as_believed) as url:
        ran = run(url, *GATEWAYS)

    assert ran.status == 0
    assert set(ran.marks.values()) == {"✓"}
    assert "by API Gateway" in ran.facts["body-11mb"]


def test_what_differs_is_told_and_breaks_nothing(local: Server) -> None:
    with bent(local.url, as_feared) as url:
        ran = run(url, *GATEWAYS)

    differing = {name for name, mark in ran.marks.items() if mark == "≠"}
    assert ran.status == 0
    assert differing == {"root", *BODIES, "long-headers", "concurrency"}
    assert "429, rate_limit_exceeded, without retry-after" in ran.facts["concurrency"]
    assert "docs/deploy.md" in ran.text


def test_errors_of_another_shape_are_broken(local: Server) -> None:
    with bent(local.url, as_forgotten) as url:
        ran = run(url, *GATEWAYS, "error-405")

    broken = {name for name, mark in ran.marks.items() if mark == "✗"}
    assert ran.status == 1
    assert broken == {"root", "pages", *BODIES, "long-headers", "concurrency", "error-405"}
    assert "another form than the contract's" in ran.facts["body-5mb"]


def cut_off(asked: Asked) -> Said | None:
    """A server whose streams end too early, and which forgets what it made."""
    wants_stream = b'"stream":true' in asked.body
    if wants_stream and b"background" not in asked.body:
        body = b'event: response.created\ndata: {"type":"response.created","sequence_number":0}'
        return Said(HTTPStatus.OK, body + b"\n\n", {"content-type": "text/event-stream"})
    if wants_stream:
        return Said(
            HTTPStatus.OK, b"hello\n\ndata: [DONE]\n\n", {"content-type": "text/event-stream"}
        )
    if asked.method == "GET" and "/responses/" in asked.path:
        made = b'{"id": "resp_1", "status": "queued"}'
        return Said(HTTPStatus.OK, made, {"content-type": "application/json"})
    return None


def test_streams_that_break_off_are_broken(local: Server) -> None:
    streams = ("pacing", "disconnect", "background-stream", "headers", "delete")
    with bent(local.url, cut_off) as url:
        ran = run(url, *streams)

    assert ran.status == 1
    assert {ran.marks[name] for name in streams} == {"✗"}
    assert "broke off after 1 events" in ran.facts["pacing"]
    assert "no event" in ran.facts["background-stream"]


@pytest.mark.parametrize("said", [Said(403, b'{"message": "Forbidden"}', {}), Said(200, b"{}", {})])
def test_what_is_not_rejoinder_is_asked_no_further(
    local: Server, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    with bent(local.url, lambda _: said) as url:
        ran = run(url)

    assert ran.status == 2
    assert [*ran.marks] == ["reach"]
    assert "Is the URL right" in capsys.readouterr().err


@pytest.mark.parametrize(("url", "key"), [("", KEY), ("example.org", KEY), ("https://a.b", "")])
def test_address_and_key_are_needed(
    url: str, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    ran = run(url, key=key)

    assert ran.status == 2
    assert "make smoke URL=" in capsys.readouterr().err


def test_an_unknown_check_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["speed"])

    assert stopped.value.code == 2
    assert "there is no check speed" in capsys.readouterr().err


def test_nobody_answers() -> None:
    ran = run("http://127.0.0.1:1")

    assert ran.status == 2
    assert ran.facts["reach"] == "no answer: ConnectError"
