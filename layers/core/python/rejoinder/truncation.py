"""`truncation: "auto"`: a conversation made shorter where it is oldest (contract §2.4)."""

from collections.abc import Iterator

from msgspec.json import encode

from rejoinder.context import call_key, output_key
from rejoinder.schema.items import Item, is_rule, is_summary

KEPT_SHARE = 0.75  # of the bytes: each refusal of the upstream costs a quarter


def shortened(items: list[Item]) -> list[Item] | None:
    """The conversation without its oldest steps; None if nothing more can be left out.

    Kept are the rules (system and developer messages), what was compacted, the last user
    message, and the last step. A call and its output go together.
    """
    steps = list(_steps(items))
    sizes = [len(encode(step)) for step in steps]
    left = sum(sizes)
    budget = KEPT_SHARE * left
    dropped: set[int] = set()
    for place in _droppable(steps):
        if _is_compacted(steps[place]):
            continue
        if left <= budget:
            break
        dropped.add(place)
        left -= sizes[place]
    if not dropped:
        return None
    return _paired([item for i, step in enumerate(steps) if i not in dropped for item in step])


def parted(items: list[Item]) -> tuple[list[Item], list[Item], list[Item]]:
    """The rules, the older items and the latest of a conversation; no call leaves its output."""
    steps = list(_steps(items))
    older = {*_droppable(steps)}
    stays = [place for place in range(len(steps)) if place not in older]
    rules = {place for place in stays[:-1] if is_rule(steps[place][0])}
    latest = {place for place in stays if place not in rules}
    called_at = {call_key(item): place for place, step in enumerate(steps) for item in step}
    called_at.pop(None, None)  # what is no call
    for place in reversed(range(len(steps))):  # a call stands before its output
        if place in latest:
            needed = older & {called_at.get(output_key(item)) for item in steps[place]}
            older -= needed
            latest |= needed

    def said(places: set[int]) -> list[Item]:
        return [item for place in sorted(places) for item in steps[place]]

    return said(rules), said(older), said(latest)


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
    return output_key(last) is not None and output_key(item) is None


def _is_spoken(item: Item) -> bool:
    if item["type"] == "message":
        return item["role"] != "assistant"
    return item["type"] == "compaction"


def _droppable(steps: list[list[Item]]) -> Iterator[int]:
    spoken = [i for i, step in enumerate(steps) if _is_users(step)]
    kept = {len(steps) - 1, *spoken[-1:]}
    for place, step in enumerate(steps):
        if place not in kept and not is_rule(step[0]):
            yield place


def _is_compacted(step: list[Item]) -> bool:
    return is_summary(step[0]) or step[0]["type"] == "compaction"


def _is_users(step: list[Item]) -> bool:
    return step[0]["type"] == "message" and step[0]["role"] == "user"


def _paired(items: list[Item]) -> list[Item]:
    """Without outputs whose call was left out, and calls whose output was."""
    called = {call_key(item) for item in items}
    answered = {output_key(item) for item in items}
    whole = called & answered | {None}  # None: neither a call nor an output
    return [item for item in items if call_key(item) in whole and output_key(item) in whole]
