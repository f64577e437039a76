"""Obfuscation: who sees only lengths learns little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from rejoinder.engine.encoding import frames_of, without_padding
from rejoinder.engine.padding import padded, unpadded
from rejoinder.schema.events import OutputTextDelta
from tests.unit.engine.stories import examples


@examples(100)
@given(st.text(max_size=100))
def test_a_text_and_its_padding_are_a_multiple_of_16_characters_long(text: str) -> None:
    padding = padded(text)

    assert isinstance(padding, str)
    assert (len(text) + len(padding)) % 16 == 0
    assert len(padding) < 16
    assert padding == "" or (padding.isascii() and padding.isalnum())


@pytest.mark.parametrize("length", range(33))
def test_every_length_is_padded_from_every_place_of_the_pool(length: int) -> None:
    assert {len(str(padded("x" * length))) for _ in range(2000)} == {-length % 16}


def test_no_padding_leaves_the_key_out() -> None:
    assert unpadded("text") is UNSET


@examples(100)
@given(st.text(max_size=60), st.text(max_size=20))
def test_padding_can_be_taken_off_and_put_on_again(text: str, item_id: str) -> None:
    event = OutputTextDelta(
        item_id=item_id, output_index=0, content_index=0, delta=text, logprobs=[]
    )
    bare = frames_of([event])
    event.obfuscation = padded(text)
    once = without_padding(frames_of([event])[0])

    assert [once] == bare
    assert without_padding(once) == once
