from hypothesis import given
from hypothesis import strategies as st

from rejoinder.context import paired
from rejoinder.schema.items import Item
from rejoinder.truncation import shortened


def said(role: str, text: str) -> Item:
    kind = "output_text" if role == "assistant" else "input_text"
    item = {"id": text, "type": "message", "status": "completed", "role": role}
    return item | {"content": [{"type": kind, "text": text}]}  # type: ignore[return-value]


def called(call_id: str) -> list[Item]:
    call = {"id": f"fc_{call_id}", "type": "function_call", "status": "completed"}
    output = {"id": f"fco_{call_id}", "type": "function_call_output", "status": "completed"}
    return [
        call | {"call_id": call_id, "name": "f", "arguments": "{}"},  # type: ignore[list-item]
        output | {"call_id": call_id, "output": "x" * 100},  # type: ignore[list-item]
    ]


def test_rounds_of_one_long_task_are_left_out_oldest_first() -> None:
    task = [said("user", "do it"), *called("a"), *called("b"), *called("c"), *called("d")]

    fewer = shortened(task)

    assert fewer is not None
    assert fewer[0] == task[0]
    assert [item["id"] for item in fewer[-2:]] == ["fc_d", "fco_d"]
    assert "fc_a" not in [item["id"] for item in fewer]


def test_a_single_question_cannot_be_shortened() -> None:
    assert shortened([said("system", "rule"), said("user", "question")]) is None


@given(st.lists(st.sampled_from(["user", "assistant", "system", "call"]), max_size=12))
def test_what_is_left_is_a_shorter_conversation_that_is_still_whole(kinds: list[str]) -> None:
    items = [
        item
        for place, kind in enumerate(kinds)
        for item in (called(str(place)) if kind == "call" else [said(kind, f"{kind} {place}")])
    ]

    fewer = shortened(items)

    if fewer is not None:
        kept = {item["id"] for item in fewer}
        assert len(fewer) < len(items)
        assert paired(fewer) == fewer
        assert [item for item in items if item["id"] in kept] == fewer
        assert {item["id"] for item in items if "system" in item["id"]} <= kept
        last_user = [item["id"] for item in items if item["id"].startswith("user")][-1:]
        assert set(last_user) <= kept
