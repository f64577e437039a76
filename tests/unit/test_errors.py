"""Errors, as the code hands them on."""

import pytest

from rejoinder.errors import GatewayError, Interrupted, NotFound
from rejoinder.providers.fetching import Unfetched


@pytest.mark.parametrize(
    "error",
    [NotFound("There is none.", headers={"X-A": "1"}), Interrupted(), Unfetched("https://a", "no")],
)
def test_an_error_that_names_a_parameter_is_otherwise_the_same(error: GatewayError) -> None:
    before = vars(error).copy()

    named = error.with_param("conversation")

    assert type(named) is type(error)
    assert str(named) == str(error)
    assert vars(named) == before | {"param": "conversation"}
    assert vars(error) == before
