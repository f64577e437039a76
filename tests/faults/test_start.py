"""Starts that cannot succeed say why in one line, and starts after trouble succeed."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rejoinder_local.listening import why_not
from tests.faults.asking import wait_until
from tests.server import KEY, Server
from tests.upstreams.chat_completions import ChatUpstream


def refused(server: Server) -> str:
    """What a server says that does not start; without a single trace of Python."""
    with pytest.raises(RuntimeError, match="ended with status 1"):
        server.start()
    assert "Traceback" not in server.log
    [line] = server.log.splitlines()
    assert line.startswith("Rejoinder cannot start: ")
    return line.removeprefix("Rejoinder cannot start: ")


def test_two_servers_do_not_share_a_folder(own_server: Server, tmp_path: Path) -> None:
    second = Server(tmp_path / "second", env={"DATA": str(own_server.data)})

    said = refused(second)

    assert said.startswith(f"Another Rejoinder is using {own_server.data}. Stop it, or choose")
    assert own_server.is_running


def test_a_folder_is_free_again_after_a_crash(own_server: Server, tmp_path: Path) -> None:
    own_server.kill()

    with Server(tmp_path / "second", env={"DATA": str(own_server.data)}) as second:
        assert second.is_running


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        said = refused(Server(tmp_path, env={"PORT": str(port)}))

    assert said == f"Port {port} is taken. Choose another: make serve PORT={port + 1}"


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8787.5"])
def test_a_port_that_is_none_is_named(tmp_path: Path, port: str) -> None:
    said = refused(Server(tmp_path, env={"PORT": port}))

    assert said == f"PORT must be a number from 0 to 65535; got '{port}'."


BAD_SETTINGS = {
    "no TOML": ("retries = = 1", "is not TOML"),
    "an unknown key": ("retrys = 1", "retrys is no setting; did you mean retries?"),
    "a wrong type": (
        'retries = "often"',
        'retries must be a whole number from 0 to 5; got "often".',
    ),
    "a wrong value": (
        "retention_seconds = 1",
        "retention_seconds must be a whole number, at least 60;",
    ),
    "a wrong address": ('[providers.x]\nbase_url = "ftp://x"', "providers.x.base_url must be "),
    "no address": ('[providers.x]\napi_key = "k"', "providers.x.base_url must be "),
    "an unknown key of a provider": (
        '[providers.x]\nbase_url = "http://x"\nkey = "k"',
        "providers.x.key is no setting; did you mean api_key?",
    ),
}


@pytest.mark.parametrize(("settings", "wanted"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings_that_are_wrong_are_named(tmp_path: Path, settings: str, wanted: str) -> None:
    server = Server(tmp_path, config_extra=settings)

    said = refused(server)

    assert said.startswith(f"{tmp_path}/rejoinder.toml")
    assert wanted in said


def test_a_key_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = '[providers.x]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "NO_SUCH_KEY"'

    said = refused(Server(tmp_path, config_extra=settings))

    file = tmp_path / "rejoinder.toml"
    assert said == f"{file}: providers.x.api_key_env names NO_SUCH_KEY, which is not set."


def test_mistakes_of_all_kinds_are_told_at_once(tmp_path: Path) -> None:
    settings = (
        'retries = 9\n[providers.x]\nbase_url = "http://127.0.0.1:9/v1"\n'
        'api_key_env = "NO_SUCH_KEY"\n[providers.damaged]\n[providers.aws]\ndialect = "bedrock"\n'
        '[routes]\n"gpt-*" = "nobody"\n"llama-*" = "nobody"\n"qwen*" = "damaged"\n'
        '[webhooks.hook]\ntenant = "dev"\nurl = "https://example.com"\nsecret_env = "NO_HOOK"\n'
        f'[keys]\na = "short"\nb = "{KEY}-long"\nc = "{KEY}-long"\n'
    )
    server = Server(tmp_path, env={"DEV_KEY": f"{KEY}-long"})
    (tmp_path / "rejoinder.toml").write_text(settings)

    with pytest.raises(RuntimeError, match="ended with status 1"):
        server.start()

    first, *mistakes = server.log.splitlines()
    assert first == f"Rejoinder cannot start: {tmp_path}/rejoinder.toml has 10 mistakes:"
    assert [mistake.split()[0] for mistake in mistakes] == [
        "retries",
        "providers.damaged.base_url",
        "keys.a",
        "providers.x.api_key_env",
        "providers.aws.region",
        "webhooks.hook.secret_env",
        "keys.b",
        "keys.c",
        'routes."gpt-*"',
        'routes."llama-*"',
    ]
    assert KEY not in server.log


@pytest.mark.parametrize("key", ["a b", "ключ", "a\tb", "a\n"])
def test_a_key_that_no_header_can_carry_is_refused(tmp_path: Path, key: str) -> None:
    said = refused(Server(tmp_path, env={"DEV_KEY": key}))

    assert said.startswith("DEV_KEY cannot be sent in a header: write letters, digits and signs")


def test_a_webhook_that_nobody_can_cause_to_be_called_is_said_at_the_start(tmp_path: Path) -> None:
    settings = '[webhooks.hook]\ntenant = "othr"\nurl = "https://example.com"\n'
    settings += 'secret = "sixteen characters or more"\n'

    with Server(tmp_path, config_extra=settings) as server:
        wait_until(lambda: "Ctrl-C stops it" in server.log)

        [unheard] = [line for line in server.log.splitlines() if "Unheard" in line]
        assert unheard.split(maxsplit=1)[1] == (
            "webhooks.hook: tenant othr has no key; did you mean other?"
        )


def test_a_route_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    said = refused(Server(tmp_path, config_extra='[routes]\n"gpt-*" = "nobody"'))

    assert said == (
        f'{tmp_path}/rejoinder.toml: routes."gpt-*" leads to "nobody", which is no provider here; '
        "known are demo, ollama, lmstudio, vllm, llamacpp, openai, openrouter, groq, mistral, "
        "deepseek, together, xai, fireworks, cerebras, anthropic, bedrock."
    )


def test_an_alias_of_an_alias_is_named_with_what_to_write(tmp_path: Path) -> None:
    said = refused(Server(tmp_path, config_extra='[aliases]\nfast = "quick"\nquick = "demo"'))

    assert said.endswith('aliases.fast leads to "quick", which is an alias itself; write "demo".')


def test_names_that_lead_to_nobody_yet_are_said_at_the_start(tmp_path: Path) -> None:
    settings = '[aliases]\nfast = "quick/demo"\n[routes]\n"qwen*" = "ollama"\n'
    settings += '[fallbacks]\n"demo" = ["fast", "ollama/qwen3", "nobody/x"]'

    with Server(tmp_path, config_extra=settings) as server:
        wait_until(lambda: "Ctrl-C stops it" in server.log)

        missing = [line.split()[1] for line in server.log.splitlines() if "Missing" in line]
        assert missing == ["nobody/x:", "quick/demo:"]


def test_the_models_of_the_banner_are_those_that_are_listed(tmp_path: Path) -> None:
    with (
        ChatUpstream(known_models=["ok", "demo"]) as upstream,
        Server(tmp_path, upstream.base_url) as server,
    ):
        wait_until(lambda: "Ctrl-C stops it" in server.log)

        listed = httpx.get(f"{server.base_url}/models", headers={"X-API-Key": KEY}).json()["data"]

    ids = [card["id"] for card in listed if card["owned_by"] == "scripted"]
    assert ids == ["ok", "demo"]
    assert f"scripted: {', '.join(ids)}\n" in server.log
    assert '"model": "ok"' in server.log


@pytest.mark.parametrize(
    ("number", "port", "said"),
    [
        (errno.EADDRINUSE, 65535, "Port 65535 is taken. Choose another: make serve PORT=0"),
        (
            errno.EACCES,
            80,
            "Port 80 may not be used by this user. Choose another: make serve PORT=8787",
        ),
        (errno.EADDRNOTAVAIL, 80, "This machine does not have the address 127.0.0.1. Bring its"),
        (errno.ENOBUFS, 80, "127.0.0.1:80 cannot be listened at: No buffer space available."),
    ],
)
def test_a_port_that_cannot_be_had_is_named_with_the_reason(
    number: int, port: int, said: str
) -> None:
    assert why_not(port, OSError(number, os.strerror(number))).startswith(said)


def test_settings_that_are_not_there_are_named(tmp_path: Path) -> None:
    said = refused(Server(tmp_path, env={"CONFIG": str(tmp_path / "none.toml")}))

    assert said == f"{tmp_path}/none.toml cannot be read: No such file or directory."


def in_latin_1(data: Path) -> None:
    (data / "rejoinder.toml").write_bytes("# Grüße\n[keys]\n".encode("latin-1"))


def with_a_torn_key(data: Path) -> None:
    (data / "seal_key").write_text("f00")


def with_another_file_for_a_store(data: Path) -> None:
    (data / "responses.sqlite3").write_bytes(b"these are no responses" * 500)


BROKEN_FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "settings in another encoding": (in_latin_1, "rejoinder.toml"),
    "a torn key": (with_a_torn_key, "seal_key"),
    "a store that is none": (with_another_file_for_a_store, "responses.sqlite3"),
}


@pytest.mark.parametrize(("broken", "name"), BROKEN_FOLDERS.values(), ids=BROKEN_FOLDERS)
def test_a_folder_that_is_broken_is_told(
    tmp_path: Path, broken: Callable[[Path], None], name: str
) -> None:
    server = Server(tmp_path)
    broken(tmp_path)

    said = refused(server)

    assert f"{tmp_path}/{name}" in said


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()

    said = refused(Server(tmp_path / "server", env={"DATA": str(taken)}))

    assert str(taken) in said


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:  # who may write anywhere, but for what the kernel itself shows
        locked = Path("/proc/rejoinder")

    said = refused(Server(tmp_path / "server", env={"DATA": str(locked)}))

    assert str(locked) in said
