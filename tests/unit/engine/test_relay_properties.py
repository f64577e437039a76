"""What an upstream that speaks this API tells is told again, in our order and under our numbers.

The upstreams here are responses of ours, whole or with events left out, told a second time.
"""

from hypothesis import given
from hypothesis import strategies as st

from rejoinder.engine.deltas import Finished, Relayed
from rejoinder.engine.encoding import frames_of
from rejoinder.engine.recovery import resumed
from rejoinder.errors import GatewayError, Unavailable
from tests.unit.engine.laws import check_told, nameless
from tests.unit.engine.stories import Story, Told, examples, stories, tell
from tests.unit.engine.telling import JSON, START, new_assembler, output, parsed

STOP = Finished("stop")


def item_events(told: Told) -> list[JSON]:
    """The events of all items, as an upstream tells them."""
    return [
        {key: value for key, value in event.items() if key != "obfuscation"}
        for event in parsed(told.frames)
        if "output_index" in event
    ]


def relayed(upstream: list[JSON], ending: Finished | GatewayError) -> list[JSON]:
    assembler = new_assembler()
    told = assembler.feed([START, *(Relayed(event["output_index"], event) for event in upstream)])
    told += assembler.fail(ending) if isinstance(ending, Exception) else assembler.feed([ending])
    return parsed(frames_of(told))


def ending_of(story: Story, told: Told) -> Finished | GatewayError:
    return told.assembler.failure or story.ending


def items_of(upstream: list[JSON]) -> list[JSON]:
    return [event["item"] for event in upstream if event["type"] == "response.output_item.done"]


@examples(100)
@given(stories)
def test_a_relayed_response_tells_what_its_upstream_told(story: Story) -> None:
    told = tell(story)
    upstream = item_events(told)

    events = relayed(upstream, ending_of(story, told))

    told_again = [event for event in events if "output_index" in event]
    assert nameless(told_again, "sequence_number") == nameless(upstream, "sequence_number")
    assert nameless(output(events)) == nameless(items_of(upstream))


@examples(100)
@given(stories)
def test_a_relayed_response_has_ids_of_its_own(story: Story) -> None:
    upstream = item_events(tell(story))

    ids = {item["id"] for item in output(relayed(upstream, STOP))}

    assert len(ids) == len(items_of(upstream))
    assert not ids & {item["id"] for item in items_of(upstream)}


@examples(150)
@given(stories, st.data())
def test_events_that_an_upstream_leaves_out_are_told_in_their_place(
    story: Story, data: st.DataObject
) -> None:
    told = tell(story)
    whole = item_events(told)
    kinds = sorted({e["type"] for e in whole if "output_item" not in e["type"]})
    left_out = data.draw(st.sets(st.sampled_from(kinds)) if kinds else st.just(set()), label="out")
    if "response.content_part.added" in left_out:  # of each part, something must be told
        left_out -= {"response.output_text.done", "response.refusal.done"}
    upstream = [event for event in whole if event["type"] not in left_out]

    events = relayed(upstream, ending_of(story, told))

    assert nameless(output(events)) == nameless(items_of(whole))
    check_told(events)


@examples(150)
@given(stories, st.data())
def test_a_relayed_response_cut_anywhere_can_be_ended(story: Story, data: st.DataObject) -> None:
    upstream = item_events(tell(story))
    upstream = upstream[: data.draw(st.integers(0, len(upstream)), label="upstream ends")]
    assembler = new_assembler()
    told = assembler.feed([START, *(Relayed(e["output_index"], e) for e in upstream)])
    frames = frames_of([*told, *assembler.fail(Unavailable("It died."))])
    check_told(parsed(frames))

    cut = data.draw(st.integers(2, len(frames) - 2), label="we are cut")
    ending = resumed(new_assembler().response, frames[:cut]).fail(Unavailable("We died."))
    check_told(parsed([*frames[:cut], *frames_of(ending)]))
