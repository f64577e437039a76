"""Whether arguments are one whole object is known after each fragment of them."""

from json import dumps

from hypothesis import example, given
from hypothesis import strategies as st

from rejoinder.engine.whole_objects import ObjectWatch, is_whole_object

MARKS = ("{", "}", '"', "\\", "[", "]", ",", " ", "\n", "\u00a0", "1", "x", "")
RUNS = ('\\"', '"a":', '{"a":{}}', '"}"', '"{"', "{}", '{"a', '\\\\"}')
PIECES = st.lists(st.sampled_from(MARKS + RUNS), max_size=10)


@given(PIECES)
@example(['{"a":"', "\\", '"', "}", '"', "}"])
@example(['{"a":"\\', "\\", '"}'])
@example(["{}", " ", "{}"])
@example(["}", "{", "}"])
@example(["\u00a0{}"])
@example(["{}", "\u00a0"])
@example(['{"a":', "{", "}", ",", '"b":{}', "}", "\n", "x", " "])
def test_it_is_known_after_each_fragment(fragments: list[str]) -> None:
    watch, said = ObjectWatch(), [fragments[:count] for count in range(len(fragments) + 1)]

    told = [watch.is_whole(each) for each in said]

    assert told == [is_whole_object("".join(each)) for each in said]


@given(PIECES, st.integers(0, 10))
def test_it_is_known_of_fragments_that_nobody_asked_about(fragments: list[str], first: int) -> None:
    watch = ObjectWatch()
    watch.is_whole(fragments[:first])

    assert watch.is_whole(fragments) == is_whole_object("".join(fragments))


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner, max_size=3)))
def test_an_object_is_whole_at_its_last_character_and_never_before(value: object) -> None:
    said, watch = dumps({"a": value}), ObjectWatch()

    told = [watch.is_whole(said[: count + 1]) for count in range(len(said))]

    assert told == [False] * (len(said) - 1) + [True]
