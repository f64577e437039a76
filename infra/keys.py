"""API keys of a deployment, and the keys of its providers: `python -m infra.keys --help`.

The table knows an API key by its digest, under which the functions look for it. A second item, in
a partition for all keys, lets people list and revoke them by their ids; no function reads it.
"""

import argparse
import getpass
import hmac
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex, token_urlsafe
from time import time

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployed import DEFAULT_STACK, Deployed, Found, NotDeployed, session
from infra.terminal import complain, painted, say
from rejoinder.aws.table import PK, SK, api_key_key

type Item = dict[str, dict[str, str]]

MASTER = "master"
DIRECTORY = "KEYS"
DEFAULT_TENANT = "default"

_TENANT = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class Refused(Exception):
    """The command cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. The key itself is not."""

    id: str
    digest: str
    name: str
    tenant: str
    created_at: int


class Keys:
    """The keys of one deployment, by the AWS credentials of whoever calls."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._dynamodb = session().client("dynamodb")
        self._secretsmanager = session().client("secretsmanager")

    def new(self, name: str, tenant: str) -> str:
        """Make a key; gives its text, which cannot be had again.

        Raises:
            Refused: if the name or the tenant's is not a good one.
        """
        if not name:
            raise Refused("Say whose key it is: make key NAME=me")
        if not _TENANT.fullmatch(tenant):
            raise Refused(f"{tenant!r} is no name of a tenant: use letters, digits and . _ @ -")
        id = token_hex(4)
        text = f"sk-rj-{id}-{token_urlsafe(32)}"
        attributes = {
            "id": {"S": id},
            "name": {"S": name},
            "tenant": {"S": tenant},
            "created_at": {"N": str(int(time()))},
        }
        digest = _digest_of(text, self._members()[MASTER])
        listed = attributes | {"digest": {"S": digest}}
        self._dynamodb.transact_write_items(
            TransactItems=[
                self._put(api_key_key(digest) | attributes),
                self._put(_listing(id) | listed),
            ]
        )
        return text

    def all(self) -> Iterator[ApiKey]:
        """All keys that are good, in the order of their ids."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._deployed.table,
            KeyConditionExpression="pk = :directory",
            ExpressionAttributeValues={":directory": {"S": DIRECTORY}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from (_read(item) for item in page["Items"])

    def revoke(self, id: str) -> ApiKey:
        """Make a key good for nothing; the functions forget it within a minute.

        Raises:
            Refused: if there is no such key.
        """
        key = next((key for key in self.all() if key.id == id), None)
        if key is None:
            raise Refused(f"There is no key {id!r}; `make keys` lists all.")
        self._dynamodb.transact_write_items(
            TransactItems=[self._delete(api_key_key(key.digest)), self._delete(_listing(id))]
        )
        return key

    def keep(self, name: str, value: str) -> None:
        """Keep a provider's key in the secret, under the name that the settings know.

        Raises:
            Refused: if it cannot be one.
        """
        if not _VARIABLE.fullmatch(name):
            raise Refused(f"{name!r} is no name of a variable, such as OPENAI_API_KEY.")
        if not value:
            raise Refused("No key was given.")
        self._secretsmanager.put_secret_value(
            SecretId=self._deployed.secret,
            SecretString=json.dumps(self._members() | {name: value}),
        )

    def _members(self) -> dict[str, str]:
        kept = self._secretsmanager.get_secret_value(SecretId=self._deployed.secret)
        members: dict[str, str] = json.loads(kept["SecretString"])
        return members

    def _put(self, item: Item) -> Mapping[str, object]:
        is_new = "attribute_not_exists(pk)"
        put = {"TableName": self._deployed.table, "Item": item, "ConditionExpression": is_new}
        return {"Put": put}

    def _delete(self, key: Item) -> Mapping[str, object]:
        return {"Delete": {"TableName": self._deployed.table, "Key": key}}


def _digest_of(text: str, master: str) -> str:
    """As the functions do it: `rejoinder.aws.accounts` and `.secrets`."""
    pepper = hmac.digest(master.encode(), b"keys", "sha256")
    return hmac.digest(pepper, text.encode(), "sha256").hex()


def _listing(id: str) -> Item:
    return {PK: {"S": DIRECTORY}, SK: {"S": id}}


def _read(item: Item) -> ApiKey:
    return ApiKey(
        id=item["id"]["S"],
        digest=item["digest"]["S"],
        name=item["name"]["S"],
        tenant=item["tenant"]["S"],
        created_at=int(item["created_at"]["N"]),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, list or revoke API keys, or store the key of a provider."""
    given = _parser().parse_args(arguments)
    try:
        deployed = Deployed.of(Found.named(given.stack))
        _COMMANDS[given.command](Keys(deployed), deployed, given)
    except (NotDeployed, Refused) as error:
        return complain(str(error))
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS says: {error}")
    return 0


def _new(keys: Keys, deployed: Deployed, given: argparse.Namespace) -> None:
    text = keys.new(given.name, given.tenant)
    say()
    say(f"  {painted(text, 'green')}")
    say()
    say(f"  It is shown only now. Tenant: {given.tenant}. Try it:")
    say()
    say(f"    export OPENAI_BASE_URL={deployed.base_url}")
    say("    export OPENAI_API_KEY=<the key>")
    say('    curl $OPENAI_BASE_URL/responses -H "Authorization: Bearer $OPENAI_API_KEY" \\')
    say('      -H \'Content-Type: application/json\' -d \'{"model": "demo", "input": "Hello!"}\'')
    say()


def _list(keys: Keys, _deployed: Deployed, _given: argparse.Namespace) -> None:
    found = sorted(keys.all(), key=lambda key: key.created_at)
    for key in found:
        day = datetime.fromtimestamp(key.created_at, UTC).date()
        say(f"{painted(key.id, 'cyan')}  {day}  {key.tenant:16}  {key.name}")
    if not found:
        say("There are no keys yet: make key NAME=me")


def _revoke(keys: Keys, _deployed: Deployed, given: argparse.Namespace) -> None:
    key = keys.revoke(given.id)
    say(f"Revoked {key.id} ({key.name}). The functions forget it within a minute.")


def _provider(keys: Keys, _deployed: Deployed, given: argparse.Namespace) -> None:
    is_typed = sys.stdin.isatty()
    value = getpass.getpass(f"{given.name}: ") if is_typed else sys.stdin.readline()
    keys.keep(given.name, value.strip())
    say(f"Stored {given.name}. The functions use it within five minutes.")


_COMMANDS = {"new": _new, "list": _list, "revoke": _revoke, "provider": _provider}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.keys", description=main.__doc__)
    parser.add_argument("--stack", default=os.environ.get("STACK") or DEFAULT_STACK)
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make a key, and show it once")
    new.add_argument("name", help="whose it is, or what for")
    new.add_argument("--tenant", default=DEFAULT_TENANT, help="keys of one tenant share responses")
    commands.add_parser("list", help="list the keys that are good")
    commands.add_parser("revoke", help="make a key good for nothing").add_argument("id")
    provider = commands.add_parser("provider", help="store the key of a provider")
    provider.add_argument(
        "name", help="the variable that the settings know, such as OPENAI_API_KEY"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
