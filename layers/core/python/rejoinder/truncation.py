"""`truncation: "auto"`: a conversation made shorter where it is oldest (contract §2.4)."""

from collections.abc import Iterator

from msgspec.json import encode

from rejoinder.conversation import answered_by, called_by
from rejoinder.schema.items import Item

KEPT_SHARE = 0.75  # of the bytes: each refusal of the upstream costs a quarter


def shortened(items: list[Item]) -> list[Item] | None:
    """The conversation without its oldest steps; None if nothing more can be left out.

    Kept are the rules (system and developer messages), the last user message, and the last
    step. A call and its output go together.
    """
    steps = list(_steps(items))
    sizes = [len(encode(step)) for step in steps]
    budget = KEPT_SHARE * sum(sizes)
    dropped: set[int] = set()
    for place in _droppable(steps):
        if sum(sizes) - sum(sizes[gone] for gone in dropped) <= budget:
            break
        dropped.add(place)
    if not dropped:
        return None
    return _paired([item for i, step in enumerate(steps) if i not in dropped for item in step])


def _steps(items: list[Item]) -> Iterator[list[Item]]:
    """Each user message, each rule, and each round of the assistant with the outputs it got."""
    step: list[Item] = []
    for item in items:
        if step and (_is_spoken(item) or _is_spoken(step[-1]) or _ends_round(step[-1], item)):
            yield step
            step = []
        step.append(item)
    if step:
        yield step


def _ends_round(last: Item, item: Item) -> bool:
    return answered_by(last) is not None and answered_by(item) is None


def _is_spoken(item: Item) -> bool:
    return item["type"] == "message" and item["role"] != "assistant"


def _droppable(steps: list[list[Item]]) -> Iterator[int]:
    spoken = [i for i, step in enumerate(steps) if _role(step) == "user"]
    kept = {len(steps) - 1, *spoken[-1:]}
    for place, step in enumerate(steps):
        if place not in kept and _role(step) not in ("system", "developer"):
            yield place


def _role(step: list[Item]) -> str:
    first = step[0]
    return first["role"] if first["type"] == "message" else "assistant"


def _paired(items: list[Item]) -> list[Item]:
    """Without outputs whose call was left out, and calls whose output was."""
    called = {called_by(item) for item in items}
    answered = {answered_by(item) for item in items}
    whole = called & answered | {None}  # None: neither a call nor an output
    return [item for item in items if called_by(item) in whole and answered_by(item) in whole]
