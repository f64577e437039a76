"""A caller's settings as a deployment takes them."""

import tomllib

from rejoinder.settings import Settings as Rejoinders
from tests.conftest import SETTINGS
from tests.rig.settings import Settings


def test_keys_leave_the_file_and_everything_else_stays() -> None:
    text = SETTINGS.format(
        generic="http://g", relayed="http://r", claude="http://c", aws="http://a"
    )
    whole = text + '[keys]\nother = "sk-other-key"\n'

    taken = Settings.read(whole, {"dev": "sk-dev"}, {"OPENAI_API_KEY": "sk-openai"})

    assert taken.keys == {"other": "sk-other-key", "dev": "sk-dev"}
    assert taken.secrets == {
        "OPENAI_API_KEY": "sk-openai",
        "RIG_RELAYED_KEY": "sk-upstream",
        "RIG_CLAUDE_KEY": "sk-upstream",
        "RIG_AWS_KEY": "sk-upstream",
    }
    assert "sk-" not in taken.text
    before, after = (Rejoinders.model_validate(tomllib.loads(each)) for each in (text, taken.text))
    assert after.providers["claude"].api_key_env == "RIG_CLAUDE_KEY"
    assert after.models == before.models
    assert after.fallbacks == before.fallbacks
    assert after.patience_seconds == before.patience_seconds


def test_strings_survive_whatever_is_in_them() -> None:
    odd = 'a "quoted" \\ \N{SNOWMAN} \U0001f600 \t'
    text = f"[aliases]\n{chr(39)}fast 1{chr(39)} = '''{odd}'''\n"

    taken = Settings.read(text, {}, {})

    assert tomllib.loads(taken.text) == {"aliases": {"fast 1": odd}}
