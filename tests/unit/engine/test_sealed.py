"""What upstreams sign of their thinking: kept for later turns, shown only to who asked."""

from rejoinder.engine.deltas import Finished, ReasoningDelta, ReasoningSigned, TextDelta
from tests.unit.engine.telling import JSON, START, new_assembler, output, shown

STOP = Finished("stop")


def seal(secret: JSON) -> str:
    return f"sealed({secret})"


def test_what_was_signed_is_kept_and_not_shown() -> None:
    assembler = new_assembler(seal=seal)
    told = shown(
        assembler.feed(
            [
                START,
                ReasoningDelta(0, "Hm"),
                ReasoningSigned(0, "s1"),
                TextDelta(1, "Hi"),
                STOP,
            ]
        )
    )

    assert "encrypted_content" not in output(told)[0]
    assert assembler.kept.output[0]["encrypted_content"] == "sealed(s1)"
    assert assembler.kept.output[1] == assembler.response.output[1]


def test_what_was_signed_is_shown_to_who_asked_for_it_in_the_final_form_only() -> None:
    assembler = new_assembler(seal=seal, shows_sealed=True)
    told = shown(assembler.feed([START, ReasoningDelta(0, "Hm"), ReasoningSigned(0, "s1"), STOP]))

    items = [event["item"] for event in told if "item" in event]
    assert [item.get("encrypted_content") for item in items] == [None, "sealed(s1)"]
    assert output(told) == [items[1]]
    assert assembler.kept.output == assembler.response.output


def test_nothing_is_sealed_when_nothing_was_signed_or_nobody_can_seal() -> None:
    unsigned, unsealed = new_assembler(seal=seal), new_assembler()
    unsigned.feed([START, ReasoningDelta(0, "Hm"), STOP])
    unsealed.feed([START, ReasoningDelta(0, "Hm"), ReasoningSigned(0, "s1"), STOP])

    assert unsigned.kept is unsigned.response
    assert unsealed.kept is unsealed.response
