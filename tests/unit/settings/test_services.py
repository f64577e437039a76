"""Services that the environment switches on, and off."""

import pytest

from rejoinder.services import found_services
from rejoinder.settings import SettingsError

AWS = {"AWS_ACCESS_KEY_ID": "A", "AWS_REGION": "eu-west-1"}


def test_a_key_switches_its_service_on() -> None:
    found = found_services({"GROQ_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "XAI_API_KEY": ""})

    assert found.keys() == {"groq", "anthropic"}
    assert found["groq"].api_key_env == "GROQ_API_KEY"
    assert found["anthropic"].models == ("claude-*",)


def test_bedrock_is_not_there_where_it_may_not_be_asked() -> None:
    assert "bedrock" in found_services(AWS)
    assert "bedrock" not in found_services({**AWS, "REJOINDER_BEDROCK": "off"})


@pytest.mark.parametrize(
    ("variable", "address", "wanted"),
    [
        ("OPENAI", "http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("ANTHROPIC", "http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("ANTHROPIC", "http://127.0.0.1:1/v1/", "http://127.0.0.1:1/v1"),
        ("OPENAI", "", "https://api.openai.com/v1"),
    ],
)
def test_a_service_is_where_its_own_sdk_would_look(
    variable: str, address: str, wanted: str
) -> None:
    found = found_services({f"{variable}_API_KEY": "k", f"{variable}_BASE_URL": address})

    assert found[variable.lower()].base_url == wanted


@pytest.mark.parametrize("variable", ["OPENAI", "ANTHROPIC"])
def test_an_address_that_is_none_is_named_by_its_variable(variable: str) -> None:
    env = {f"{variable}_API_KEY": "k", f"{variable}_BASE_URL": "localhost:8080"}

    with pytest.raises(SettingsError, match=f"{variable}_BASE_URL must be an http://"):
        found_services(env)
