"""Which services are left alone, for how long, and what ends that."""

from rejoinder.providers.circuits import FAILURES_TO_OPEN, MAX_KEPT, OPEN_SECONDS, Circuits


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, service: str = "a/m") -> Circuits:
    circuits = Circuits(clock)
    for _ in range(FAILURES_TO_OPEN):
        circuits.failed(service)
    return circuits


def test_a_service_that_keeps_failing_is_left_alone_and_no_other() -> None:
    circuits = opened(Clock())

    assert not circuits.admits("a/m")
    assert circuits.admits("b/m")


def test_when_the_time_is_over_one_may_try() -> None:
    clock = Clock()
    circuits = opened(clock)
    clock.now = OPEN_SECONDS

    assert [circuits.admits("a/m") for _ in range(3)] == [True, False, False]


def test_a_try_that_fails_leaves_it_alone_for_as_long_again() -> None:
    clock = Clock()
    circuits = opened(clock)
    clock.now = OPEN_SECONDS
    circuits.admits("a/m")
    clock.now += 1

    circuits.failed("a/m")

    clock.now += OPEN_SECONDS - 1
    assert not circuits.admits("a/m")
    clock.now += 1
    assert circuits.admits("a/m")


def test_of_a_service_that_answers_nothing_is_kept() -> None:
    circuits = opened(Clock())

    circuits.answered("a/m")
    circuits.answered("b/m")

    assert len(circuits) == 0
    assert circuits.admits("a/m")


def test_names_that_clients_make_up_are_forgotten_and_the_latest_failures_are_not() -> None:
    circuits = opened(Clock())
    for number in range(MAX_KEPT - 1):
        circuits.failed(f"made/up-{number}")
    circuits.failed("a/m")

    circuits.failed("made/up")

    assert len(circuits) == MAX_KEPT
    assert not circuits.admits("a/m")
