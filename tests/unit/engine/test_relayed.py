"""Items of an upstream that speaks this API: its events, our ids, our order, nothing left out."""

import pytest

from rejoinder.engine.deltas import (
    BlockEnded,
    Delta,
    Finished,
    ReasoningSigned,
    Relayed,
    TextDelta,
)
from rejoinder.engine.padding import padded
from tests.unit.engine.telling import JSON, START, narrate, new_assembler, order, output, shown

STOP = Finished("stop")
MESSAGE = {"id": "msg_far", "type": "message", "role": "assistant", "content": []}
THOUGHT = {"id": "rs_far", "type": "reasoning", "summary": []}
CALL = {"id": "fc_far", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}
TEXT = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
LOGPROB = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
CITATION = {"type": "url_citation", "url": "https://example.com"}


def relay(block: int, kind: str, **fields: JSON) -> Relayed:
    place = {"item_id": "far", "output_index": 7, "content_index": 7, "summary_index": 7}
    return Relayed(block, {"type": f"response.{kind}", **place, **fields})


def added(item: JSON, block: int = 0) -> Relayed:
    return relay(block, "output_item.added", item=item | _status(item, "in_progress"))


def done(item: JSON, block: int = 0) -> list[Delta]:
    final = item | _status(item, "completed")
    return [relay(block, "output_item.done", item=final), BlockEnded(block)]


def _status(item: JSON, status: str) -> JSON:
    return {} if item["type"] == "reasoning" else {"status": status}


def said(text: str) -> JSON:
    return MESSAGE | {"content": [TEXT | {"text": text}]}


HELLO: list[Delta] = [
    added(MESSAGE),
    relay(0, "content_part.added", part=TEXT),
    relay(0, "output_text.delta", delta="Hel", logprobs=[]),
    relay(0, "output_text.delta", delta="lo", logprobs=[]),
    relay(0, "output_text.done", text="Hello", logprobs=[]),
    relay(0, "content_part.done", part=TEXT | {"text": "Hello"}),
    *done(said("Hello")),
]


def test_events_keep_their_order_and_get_our_places() -> None:
    told = narrate(*HELLO, STOP)

    assert order(told) == "C P +0 [0 text text text. 0] -0 completed"
    item_ids = {event["item_id"] for event in told if "item_id" in event}
    assert item_ids == {output(told)[0]["id"]} != {"far"}
    assert {event["content_index"] for event in told if "content_index" in event} == {0}


def test_ids_keep_their_prefix_or_get_one() -> None:
    ids = [
        output(narrate(added(MESSAGE | {"id": far}), STOP))[0]["id"].partition("_")[0]
        for far in ("msg_1", "ws_1", "", "odd id", "UPPER_1", "x" * 40)
    ]

    assert ids == ["msg", "ws", "item", "item", "item", "item"]


def test_fields_that_we_do_not_know_are_kept() -> None:
    told = narrate(
        added(THOUGHT),
        relay(0, "reasoning_summary_part.added", part={"type": "summary_text", "text": ""}),
        relay(0, "reasoning_summary_text.delta", delta="Hm", mood="sunny"),
        relay(0, "reasoning_summary_text.done", text="Hm", mood="sunny"),
        relay(
            0,
            "reasoning_summary_part.done",
            part={"type": "summary_text", "text": "Hm"},
            status="incomplete",
        ),
        *done(THOUGHT | {"summary": [{"type": "summary_text", "text": "Hm"}]}),
        STOP,
    )

    assert [event["mood"] for event in told if "mood" in event] == ["sunny", "sunny"]
    assert [event.get("status") for event in told if event["type"].endswith("part.done")] == [
        "incomplete"
    ]


def test_deltas_are_padded_here() -> None:
    told = shown(new_assembler(padding=padded).feed([START, *HELLO]))

    lengths = [len(e["delta"] + e["obfuscation"]) for e in told if "obfuscation" in e]
    assert lengths == [16, 16]


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ({"content_part.added"}, "C P +0 [0 text text text. 0] -0 completed"),
        ({"output_text.delta"}, "C P +0 [0 text text. 0] -0 completed"),
        ({"output_text.done"}, "C P +0 [0 text text text. 0] -0 completed"),
        ({"content_part.done"}, "C P +0 [0 text text text. 0] -0 completed"),
        ({"output_item.done"}, "C P +0 [0 text text text. 0] -0 completed"),
        ({"content_part.added", "output_text.delta"}, "C P +0 [0 text text. 0] -0 completed"),
        (
            {"content_part.added", "output_text.delta", "output_text.done", "content_part.done"},
            "C P +0 [0 text text. 0] -0 completed",
        ),
    ],
)
def test_what_is_left_out_is_told(left_out: set[str], expected: str) -> None:
    kept = [
        delta
        for delta in HELLO
        if not isinstance(delta, Relayed)
        or delta.event["type"].removeprefix("response.") not in left_out
    ]

    told = narrate(*kept, STOP)

    assert order(told) == expected
    assert output(told)[0]["content"] == [TEXT | {"text": "Hello"}]


def test_what_is_said_twice_is_told_once() -> None:
    twice = [delta for delta in HELLO[:-2] for _ in range(2) if delta is not HELLO[1]]

    told = narrate(HELLO[0], HELLO[1], *twice[2:], *done(said("HelHello")), STOP)

    assert order(told).count("text.") == 1
    assert order(told).count("0]") == 1


def test_a_text_that_was_replaced_is_told_as_its_end_says() -> None:
    told = narrate(
        *HELLO[:3],
        relay(0, "output_text.done", text="[removed]", logprobs=[]),
        *done(said("[removed]")),
        STOP,
    )

    assert order(told) == "C P +0 [0 text text. 0] -0 completed"
    assert output(told)[0]["content"][0]["text"] == "[removed]"


def test_a_part_of_another_kind_ends_the_open_one() -> None:
    told = narrate(*HELLO[:4], relay(0, "refusal.delta", delta="No."), STOP)

    assert order(told) == "C P +0 [0 text text text. 0] [1 refusal refusal. 1] -0 completed"


PARTS_WITHOUT_TEXT: list[Delta] = [
    added(MESSAGE),
    relay(0, "content_part.added", part=TEXT),
    relay(0, "content_part.added", part=TEXT),
    relay(0, "output_text.delta", delta="b", logprobs=[]),
]


def test_a_text_that_only_the_final_form_has_is_told_before_what_follows_it() -> None:
    parts = [TEXT | {"text": "a"}, TEXT | {"text": "b"}]

    told = narrate(*PARTS_WITHOUT_TEXT, *done(MESSAGE | {"content": parts}), STOP)

    assert order(told) == "C P +0 [0 text text. 0] [1 text text. 1] -0 completed"
    assert output(told)[0]["content"] == parts


def test_what_waits_for_a_final_form_that_never_comes_is_told_at_the_end() -> None:
    told = narrate(*PARTS_WITHOUT_TEXT, STOP)

    assert order(told) == "C P +0 [0 text. 0] [1 text text. 1] -0 completed"


def test_parts_that_nobody_knows_pass_by() -> None:
    drawing = {"type": "output_drawing", "strokes": [1, 2]}

    told = narrate(
        added(MESSAGE),
        relay(0, "content_part.added", part=drawing),
        relay(0, "content_part.done", part=drawing),
        relay(0, "content_part.added", part=drawing),
        STOP,
    )

    assert output(told)[0]["content"] == [drawing, drawing]


def test_the_end_of_a_part_that_never_began_is_no_news() -> None:
    told = narrate(added(MESSAGE), relay(0, "content_part.done", part=TEXT), STOP)

    assert order(told) == "C P +0 -0 completed"


def test_logprobs_and_citations_of_a_whole_text_are_told() -> None:
    part = TEXT | {"text": "a", "logprobs": [LOGPROB], "annotations": [CITATION]}

    told = narrate(added(MESSAGE), *done(MESSAGE | {"content": [part]}), STOP)

    assert order(told).split()[3:7] == ["[0", "text", "output_text.annotation.added", "text."]
    assert output(told)[0]["content"] == [part]


def test_a_citation_of_nothing_is_no_news() -> None:
    told = narrate(
        added(MESSAGE), relay(0, "output_text.annotation.added", annotation=CITATION), STOP
    )

    assert order(told) == "C P +0 -0 completed"


def test_a_call_is_told_with_its_name() -> None:
    told = narrate(
        added(CALL),
        relay(0, "function_call_arguments.delta", delta="{"),
        relay(0, "function_call_arguments.done", arguments="{}"),
        *done(CALL | {"arguments": "{}"}),
        STOP,
    )

    assert order(told) == "C P +0 args args args. -0 completed"
    assert [event["name"] for event in told if "name" in event] == ["f"]


def test_items_wait_for_the_one_that_is_open() -> None:
    told = narrate(
        added(CALL, 0),
        *[Relayed(1, delta.event) for delta in HELLO if isinstance(delta, Relayed)],
        relay(0, "function_call_arguments.delta", delta="{}"),
        BlockEnded(1),
        *done(CALL | {"arguments": "{}"}),
        STOP,
    )

    assert order(told) == "C P +0 args args. -0 +1 [0 text text text. 0] -1 completed"


def test_a_block_may_begin_another_item() -> None:
    told = narrate(*HELLO[:4], added(MESSAGE), *done(said("Again")), STOP)

    assert [item["content"][0]["text"] for item in output(told)] == ["Hello", "Again"]


def test_hosted_items_are_told_as_they_are_and_closed_when_cut() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "action": {"type": "search"}}

    told = narrate(added(search), relay(0, "web_search_call.searching"), Finished("content_filter"))

    assert order(told) == "C P +0 web_search_call.searching -0 incomplete"
    assert output(told)[0] | {"id": ""} == search | {"id": "", "status": "incomplete"}


def test_code_that_was_never_written_is_not_told() -> None:
    code = {"id": "ci_1", "type": "code_interpreter_call", "code": None}

    assert order(narrate(added(code), *done(code), STOP)) == "C P +0 -0 completed"


def test_what_was_signed_is_sealed() -> None:
    assembler = new_assembler(seal=str, shows_sealed=True)

    told = shown(
        assembler.feed([START, added(THOUGHT), ReasoningSigned(0, "s1"), *done(THOUGHT), STOP])
    )

    assert output(told)[0]["encrypted_content"] == "s1"
    assert "encrypted_content" not in told[2]["item"]


def test_both_kinds_of_items_may_follow_each_other() -> None:
    told = narrate(*HELLO, TextDelta(1, "And"), BlockEnded(1), added(CALL, 2), *done(CALL, 2), STOP)

    assert [item["type"] for item in output(told)] == ["message", "message", "function_call"]
