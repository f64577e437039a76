"""A caller's settings as a deployment takes them."""

import tomllib

from msgspec import convert

from rejoinder.settings import Settings as Rejoinders
from tests.conftest import SETTINGS
from tests.rig.settings import Settings


def test_keys_leave_the_file_and_everything_else_stays() -> None:
    text = SETTINGS.format(
        generic="http://g", relayed="http://r", claude="http://c", aws="http://a"
    )
    webhook = '[webhooks.mine]\ntenant = "dev"\nurl = "https://hook.example"\n'
    whole = f'{text}{webhook}secret = "sk-known-to-both"\n[keys]\nother = "sk-other-key"\n'

    taken = Settings.read(whole, {"dev": "sk-dev"}, {"OPENAI_API_KEY": "sk-openai"})

    assert taken.keys == {"other": "sk-other-key", "dev": "sk-dev"}
    assert taken.secrets == {
        "OPENAI_API_KEY": "sk-openai",
        "RIG_RELAYED_KEY": "sk-upstream",
        "RIG_CLAUDE_KEY": "sk-upstream",
        "RIG_AWS_KEY": "sk-upstream",
        "RIG_MINE_SECRET": "sk-known-to-both",
    }
    assert "sk-" not in taken.text
    before, after = (convert(tomllib.loads(each), Rejoinders) for each in (whole, taken.text))
    assert after.providers["claude"].api_key_env == "RIG_CLAUDE_KEY"
    assert after.webhooks["mine"].secret_env == "RIG_MINE_SECRET"
    assert after.models == before.models
    assert after.fallbacks == before.fallbacks
    assert after.patience_seconds == before.patience_seconds


def test_strings_survive_whatever_is_in_them() -> None:
    odd = 'a "quoted" \\ \N{SNOWMAN} \U0001f600 \t'
    text = f"[aliases]\n{chr(39)}fast 1{chr(39)} = '''{odd}'''\n"

    taken = Settings.read(text, {}, {})

    assert tomllib.loads(taken.text) == {"aliases": {"fast 1": odd}}
