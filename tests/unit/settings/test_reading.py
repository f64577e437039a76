"""The operator's file: what it may say, and how it is told what is wrong with it."""

import re
import tomllib
from pathlib import Path

import pytest

from rejoinder.settings import (
    BackgroundSettings,
    ModelSettings,
    ProviderSettings,
    Settings,
    SettingsError,
    Table,
    WebhookSettings,
    examined,
    read_settings,
)

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
TABLES = (Settings, ProviderSettings, ModelSettings, BackgroundSettings, WebhookSettings)
SECRET = "sk-known-to-the-operator"
PROVIDER = '[providers.x]\nbase_url = "http://x"\n'
WEBHOOK = '[webhooks.x]\ntenant = "dev"\nurl = "https://x"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rejoinder.toml"


def refused(file: Path, text: str) -> str:
    """What is said of a file, after its name."""
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_settings(file)
    assert SECRET not in str(raised.value)
    said = str(raised.value)
    assert said.startswith(str(file))
    return said.removeprefix(str(file))


def test_an_empty_file_says_what_no_file_says(file: Path) -> None:
    file.touch()

    assert read_settings(file) == read_settings(None) == Settings()


def test_a_default_of_the_place_holds_where_the_file_says_nothing(file: Path) -> None:
    file.write_text("retries = 0")

    assert read_settings(file, retries=3, max_body_bytes=2048) == Settings(
        retries=0, max_body_bytes=2048
    )
    assert read_settings(None, max_body_bytes=2048).max_body_bytes == 2048


def test_the_example_of_the_page_can_be_read(file: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file.write_text(example)

    settings = read_settings(file)

    assert settings.providers["aws"].inference_profile == "global"
    assert settings.models["deepseek-*"].said()["drops"] == {"seed", "service_tier"}
    assert tomllib.loads(example).keys() == set(Settings.__struct_fields__)


@pytest.mark.parametrize("table", TABLES)
def test_the_page_names_every_key(table: type[Table]) -> None:
    text = PAGE.read_text()

    assert [name for name in table.__struct_fields__ if name not in text] == []


def test_a_model_is_told_only_what_the_file_says_of_it(file: Path) -> None:
    file.write_text('[models."gpt-*"]\nthinking = "none"\ntakes_prefill = false\ndrops = []')

    facts = read_settings(file).models["gpt-*"].said()

    assert facts == {"thinking": "none", "takes_prefill": False, "drops": frozenset()}


def test_whole_numbers_will_do_for_seconds(file: Path) -> None:
    file.write_text("heartbeat_seconds = 3")

    assert read_settings(file).heartbeat_seconds == 3.0


MISTAKES = [
    ("retrys = 1", "retrys is no setting; did you mean retries?"),
    (
        "[background]\ncolour = 1",
        "background.colour is no setting; known here are workers, lease_seconds, "
        "deadline_seconds, deadline_ends, max_waiting.",
    ),
    (
        f"{PROVIDER}retries = 1",
        "providers.x.retries is a setting of the whole file: write it above the first [table].",
    ),
    (f'{PROVIDER}key = "{SECRET}"', "providers.x.key is no setting; did you mean api_key?"),
    ("retries = 6", "retries must be a whole number from 0 to 5; got 6."),
    ('retries = "2"', 'retries must be a whole number from 0 to 5; got "2".'),
    ("retries = true", "retries must be a whole number from 0 to 5; got true."),
    ("retries = 1.5", "retries must be a whole number from 0 to 5; got 1.5."),
    ("retries = 2026-01-01", 'retries must be a whole number from 0 to 5; got "2026-01-01".'),
    ("retries = { most = 1 }", "retries must be a whole number from 0 to 5; got a table."),
    ("max_body_bytes = 1", "max_body_bytes must be a whole number, at least 1024; got 1."),
    ("retention_seconds = 59", "retention_seconds must be a whole number, at least 60; got 59."),
    ("patience_seconds = 0", "patience_seconds must be a number, above 0; got 0."),
    ("patience_seconds = nan", "patience_seconds must be a number, above 0; got NaN."),
    (
        "heartbeat_seconds = 16",
        "heartbeat_seconds must be a number, above 0 and at most 15; got 16.",
    ),
    (
        'unsupported_tools = "dorp"',
        'unsupported_tools must be "drop" or "reject"; got "dorp".',
    ),
    (
        "[background]\nworkers = 257",
        "background.workers must be a whole number from 1 to 256; got 257.",
    ),
    (
        "[background]\nlease_seconds = 2",
        "background.lease_seconds must be a number, at least 3; got 2.",
    ),
    (
        '[models."gpt-*"]\nthinking = "much"',
        'models."gpt-*".thinking must be "adaptive", "budget" or "none"; got "much".',
    ),
    (
        '[models.m]\nmay_be_forced = "no"',
        'models.m.may_be_forced must be true or false; got "no".',
    ),
    ("[models.m]\ninput_usd_per_million = true", "must be a number; got true."),
    (
        '[models.m]\nefforts = ["low", "huge"]',
        'models.m.efforts[1] must be "high", "low", "max", "medium" or "xhigh"; got "huge".',
    ),
    (
        '[models.m]\nefforts = "low"',
        'models.m.efforts must be a list of "high", "low", "max", "medium" or "xhigh"; got "low".',
    ),
    (f'{WEBHOOK}secret = "{SECRET}"\noutcomes = [1]', 'webhooks.x.outcomes[0] must be "resp'),
    (f'{PROVIDER}models = ["{SECRET}", 5]', "providers.x.models[1] must be text in quotes."),
    ('[fallbacks]\n"a/b" = ["c", {}]', 'fallbacks."a/b"[1] must be text in quotes.'),
    (
        'cors_origins = ["*", "https://pages.example/app"]',
        'cors_origins[1] must be an origin such as "https://pages.example", or "*".',
    ),
    ('cors_origins = "*"', "cors_origins must be a list of an origin such as"),
    ("routes = ['a']", "routes must be a table."),
    ("providers = 1", "providers must be a table."),
    ("background = 1", "background must be a table."),
    (
        '[providers."My Server"]\nbase_url = "http://x"',
        'providers."My Server" must be named in small letters, digits and _ . - only.',
    ),
    (
        f'{PROVIDER}region = "eu_1"',
        'providers.x.region must be the name of a region, such as "eu-central-1".',
    ),
    (f'{PROVIDER}models = "{SECRET}"', "providers.x.models must be a list of text in quotes."),
    (f"{PROVIDER}api_key = 12345678", "providers.x.api_key must be text in quotes."),
    (f'[providers.x]\napi_key = "{SECRET}"', "providers.x.base_url must be an http:// or https://"),
    (f'[providers.x]\nbase_url = "{SECRET}"', "providers.x.base_url must be an http:// or"),
    ('[fallbacks]\n"a/b" = "c"', 'fallbacks."a/b" must be a list of text in quotes.'),
    ("[aliases]\nfast = 1", "aliases.fast must be text in quotes."),
    (
        f"[keys]\na = 'sk-1'\nb = '{SECRET}'",
        "keys.a must be an API key: at least 8 letters, digits and signs of ASCII, no blanks.",
    ),
    (f"[keys]\na = '{SECRET} two'", "keys.a must be an API key: at least 8 letters"),
    (f"[keys]\na = '{SECRET}é'", "keys.a must be an API key: at least 8 letters"),
    (f'[webhooks.x]\ntenant = "dev"\nsecret = "{SECRET}"', "webhooks.x.url is missing."),
    (
        f'[webhooks.x]\ntenant = "dev"\nurl = "http://x"\nsecret = "{SECRET}"',
        "webhooks.x.url must begin with https://, or may_be_local must be true.",
    ),
    (
        f'{WEBHOOK}secret = "sk-too-short"',
        "webhooks.x.secret must be text in quotes, of at least 16 characters.",
    ),
    (
        f'{WEBHOOK}secret = "{SECRET}"\nsecret_env = "HOOK"',
        "webhooks.x.secret must be set, or else secret_env: the variable that holds it.",
    ),
    (WEBHOOK, "webhooks.x.secret must be set, or else secret_env: the variable that holds it."),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_is_named_with_what_to_write_instead(file: Path, text: str, wanted: str) -> None:
    said = refused(file, text)

    assert wanted in said
    assert len(said.splitlines()) == 1


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    said = refused(file, f'retrys = 1\nretries = 9\n{PROVIDER}dialect = "antropic"\n{WEBHOOK}')

    first, *mistakes = said.splitlines()
    assert first == " has 4 mistakes:"
    assert [mistake.split()[0] for mistake in mistakes] == [
        "retrys",
        "retries",
        "providers.x.dialect",
        "webhooks.x.secret",
    ]


@pytest.mark.parametrize("text", [text for text, _ in MISTAKES])
def test_what_is_sound_of_a_file_can_be_looked_at_further(file: Path, text: str) -> None:
    file.write_text(f"heartbeat_seconds = 2\n{text}\n[background]\nworkers = 3")
    if "[background]" in text or "background =" in text or "heartbeat" in text:
        file.write_text(f"patience_seconds = 2\n{text}")

    settings, mistakes = examined(file)

    assert mistakes
    assert 2 in (settings.heartbeat_seconds, settings.patience_seconds)


def test_a_provider_that_is_not_sound_is_still_one_that_names_lead_to(file: Path) -> None:
    file.write_text('[providers.x]\nbase_url = 5\n[routes]\n"gpt-*" = "x"')

    settings, mistakes = examined(file)

    assert [*settings.providers] == ["x"]
    assert mistakes == ["providers.x.base_url must be text in quotes."]


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        providers={
            "x": ProviderSettings(
                base_url="http://x", api_key=SECRET, headers={"authorization": SECRET}
            )
        },
        keys={"dev": SECRET},
        webhooks={"x": WebhookSettings(tenant="dev", url=f"https://x/{SECRET}", secret=SECRET)},
    )

    told = [repr(settings), str(settings), str(settings.__rich_repr__())]

    assert not [text for text in told if SECRET in text]
    assert all("base_url='http://x'" in text for text in told)
