"""What a server tells Prometheus: read by its grammar, and compared with what was asked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.clients.models import Models
from tests.faults.asking import wait_until
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import failure, text

_META = re.compile(r"# (HELP|TYPE) ([a-z_]+) (.+)")
_SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)')
_UNESCAPED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}


class Sample(NamedTuple):
    """One line."""

    labels: dict[str, str]
    value: float


class Page(NamedTuple):
    """One answer of /metrics."""

    kinds: dict[str, str]
    samples: dict[str, list[Sample]]

    def value(self, name: str, **labels: str) -> float:
        """The number with exactly these labels; 0 if there is none."""
        found = [each.value for each in self.samples.get(name, ()) if each.labels == labels]
        assert len(found) <= 1
        return sum(found)


def labels_of(told: str) -> dict[str, str]:
    assert _LABEL.sub("", told) == ""
    return {
        name: re.sub(r"\\.", lambda escape: _UNESCAPED[escape[0]], value)
        for name, value in _LABEL.findall(told)
    }


def page_of(server: Server) -> Page:
    """What /metrics says; it must keep to the text form, version 0.0.4."""
    answer = httpx.get(f"{server.url}/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    page, explained = Page({}, {}), set()
    for line in answer.text.splitlines():
        if meta := _META.fullmatch(line):
            explained.add(meta[2]) if meta[1] == "HELP" else page.kinds.update({meta[2]: meta[3]})
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample, line
        family = re.sub(r"_(bucket|sum|count)$", "", sample[1])
        assert {family, sample[1]} & page.kinds.keys() & explained
        page.samples.setdefault(sample[1], []).append(
            Sample(labels_of(sample[2] or ""), float(sample[3]))
        )
    return page


@pytest.fixture(scope="module")
def priced_server(
    upstream: ChatUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    prices = "input_usd_per_million = 1.0\noutput_usd_per_million = 10.0\n"
    settings = f'retries = 0\n[models."*"]\n{prices}'
    with Server(tmp_path_factory.mktemp("priced"), upstream.base_url, settings) as server:
        yield server


def post(server: Server, **fields: object) -> httpx.Response:
    return httpx.post(
        f"{server.base_url}/responses",
        json={"input": "Hm.", **fields},
        headers={"Authorization": f"Bearer {KEY}"},
    )


def test_requests_are_counted_by_route_method_and_class_of_status(priced_server: Server) -> None:
    before = page_of(priced_server)

    post(priced_server, model="demo")
    post(priced_server, model="demo", store="no")
    httpx.get(f"{priced_server.base_url}/responses/resp_0", headers={"X-API-Key": KEY})
    httpx.put(f"{priced_server.url}/some/where")

    after = page_of(priced_server)
    name = "rejoinder_requests_total"
    assert after.kinds[name] == "counter"
    for route, method, status in [
        ("/v1/responses", "POST", "2xx"),
        ("/v1/responses", "POST", "4xx"),
        ("/v1/responses/{response_id}", "GET", "4xx"),
        ("other", "PUT", "4xx"),
    ]:
        labels = {"route": route, "method": method, "status": status}
        assert after.value(name, **labels) == before.value(name, **labels) + 1


def test_calls_tokens_and_cost_are_counted_by_provider_and_model(
    priced_server: Server, upstream: ChatUpstream
) -> None:
    models = Models("scripted", upstream)
    good, bad = models.saying(text("Yes.")), models.saying(failure(500))

    usage = [post(priced_server, model=good, stream=False).json()["usage"] for _ in range(2)]
    post(priced_server, model=good, stream=True)
    post(priced_server, model=bad)

    page = page_of(priced_server)
    of_good = {"provider": "scripted", "model": good.partition("/")[2]}
    of_bad = {"provider": "scripted", "model": bad.partition("/")[2]}
    calls = "rejoinder_upstream_calls_total"
    assert page.value(calls, **of_good, outcome="ok") == 3
    assert page.value(calls, **of_bad, outcome="upstream_unavailable") == 1
    given, said = 3 * usage[0]["input_tokens"], 3 * usage[0]["output_tokens"]
    assert page.value("rejoinder_input_tokens_total", **of_good) == given > 0
    assert page.value("rejoinder_output_tokens_total", **of_good) == said > 0
    assert page.value("rejoinder_cost_usd_total", **of_good) == pytest.approx(
        (given + 10 * said) / 1_000_000
    )
    assert page.value("rejoinder_cost_usd_total", **of_bad) == 0


def test_durations_are_told_as_histograms(priced_server: Server) -> None:
    post(priced_server, model="demo")

    page = page_of(priced_server)
    for name, labels in {
        "rejoinder_request_duration_seconds": {"route": "/v1/responses"},
        "rejoinder_first_token_seconds": {"provider": "demo", "model": "demo"},
    }.items():
        assert page.kinds[name] == "histogram"
        buckets = [
            each for each in page.samples[f"{name}_bucket"] if labels.items() <= each.labels.items()
        ]
        numbers = [each.value for each in buckets]
        assert numbers == sorted(numbers)
        assert buckets[-1].labels["le"] == "+Inf"
        assert numbers[-1] == page.value(f"{name}_count", **labels) >= 1
        assert page.value(f"{name}_sum", **labels) > 0


def test_names_that_clients_choose_are_escaped_and_come_to_an_end(tmp_path: Path) -> None:
    odd = 'a"b\\c\nd}'
    with Server(tmp_path) as server, httpx.Client() as client:
        post(server, model=f"demo/{odd}", store=False)
        for number in range(120):
            client.post(
                f"{server.base_url}/responses",
                json={"model": f"demo/{number}", "input": "Hm.", "store": False},
                headers={"Authorization": f"Bearer {KEY}"},
            )

        page = page_of(server)

    calls = page.samples["rejoinder_upstream_calls_total"]
    assert calls[0].labels == {"provider": "demo", "model": odd, "outcome": "ok"}
    assert calls[-1] == Sample({"provider": "demo", "model": "other", "outcome": "ok"}, 21)
    assert len(calls) == 101


def test_what_is_being_made_is_told(priced_server: Server) -> None:
    created = post(priced_server, model="demo", input="Be silent for 60 seconds.", background=True)
    url = f"{priced_server.base_url}/responses/{created.json()['id']}"
    headers = {"Authorization": f"Bearer {KEY}"}
    wait_until(lambda: httpx.get(url, headers=headers).json()["status"] == "in_progress")

    page = page_of(priced_server)

    assert page.kinds["rejoinder_responses_in_progress"] == "gauge"
    assert page.value("rejoinder_responses_in_progress") == 1
    assert page.value("rejoinder_queue_running") == 1
    assert httpx.post(f"{url}/cancel", headers=headers).json()["status"] == "cancelled"
