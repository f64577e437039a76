"""The contract's assertions are told as fully as those of a test module."""

import pytest

pytest.register_assert_rewrite("tests.storage.contract")
