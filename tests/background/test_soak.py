"""Many responses of all kinds, many clients, and a server that dies all the time.

SOAK_RESPONSES=300 makes it long; SOAK_SEED repeats a run's plans, though not its timing.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.background.kept import is_quiet, kept
from tests.background.process import eventually
from tests.background.receiver import Receiver
from tests.background.scripted import Models
from tests.background.soaking import Chaos, Client, Plan, Story, check_story
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream

RESPONSES = int(os.environ.get("SOAK_RESPONSES", "60"))
SEED = os.environ.get("SOAK_SEED") or str(SystemRandom().randrange(10**9))
AT_A_TIME = 8


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def test_no_response_is_lost_stuck_or_told_in_two_ways(
    upstream: ChatUpstream, receiver: Receiver, tmp_path: Path
) -> None:
    print(f"SOAK_SEED={SEED} SOAK_RESPONSES={RESPONSES}")  # noqa: T201, shown if it fails
    models = Models(upstream)
    plans = [Plan.of(f"{SEED}/{number}") for number in range(RESPONSES)]

    def live(plan: Plan) -> Story:
        story = Story(plan, models.saying(plan.reply))
        with closing(Client(server)) as client:
            client.live(story)
        return story

    with Server(
        tmp_path / "data", upstream.base_url, f"retries = 0\n{receiver.settings}"
    ) as server:
        with (
            Chaos(server, Random(SEED)) as chaos,
            ThreadPoolExecutor(AT_A_TIME) as pool,
        ):
            stories = list(pool.map(live, plans))

        eventually(lambda: is_quiet(server.data), within_seconds=60)
        after = kept(server.data)
        for story in stories:
            check_story(story, after, models, chaos.disturbed(story))
        for response_id, each in after.items():
            is_told = each.response["background"]
            outcomes = {outcome for _, outcome in receiver.told_of(response_id)}
            assert outcomes == ({f"response.{each.status}"} if is_told else set())
        assert "Traceback" not in server.log, server.log
