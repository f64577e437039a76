"""The operator's `rejoinder.toml` as a deployment takes it: its keys are kept elsewhere.

The local server reads keys from the file. A deployment keeps those of providers in its secret and
its own in its table, so the file is taken apart here. So are the secrets of webhooks.
"""

import hmac
import json
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rejoinder.aws.table import api_key_key
from tests.rig.services import client
from tests.rig.stack import Stack

type JSON = Any

MASTER = "master"


@dataclass(frozen=True, slots=True)
class Settings:
    """A file without keys, and the keys: of tenants, and of upstreams by their variables."""

    text: str
    keys: Mapping[str, str]
    secrets: Mapping[str, str]

    @classmethod
    def read(cls, text: str, keys: Mapping[str, str], secrets: Mapping[str, str]) -> Self:
        """Take a file apart; what is given beside it comes first."""
        told = tomllib.loads(text)
        kept = dict(secrets)
        for tables, secret in (("providers", "api_key"), ("webhooks", "secret")):
            for name, table in told.get(tables, {}).items():
                if value := table.pop(secret, None):
                    variable = _variable(name, secret)
                    table[f"{secret}_env"] = variable
                    kept[variable] = value
        own = {**told.pop("keys", {}), **keys}
        lines = (f"{_toml_key(key)} = {_toml(value)}" for key, value in told.items())
        return cls("".join(f"{line}\n" for line in lines), own, kept)

    def keep(self, stack: Stack, endpoint: str) -> None:
        """Put the keys where the functions look for them: the secret, and the table."""
        secretsmanager = client("secretsmanager", endpoint)
        (secret_id,) = stack.secrets
        found = secretsmanager.get_secret_value(SecretId=secret_id)
        members = json.loads(found["SecretString"]) | self.secrets
        secretsmanager.put_secret_value(SecretId=secret_id, SecretString=json.dumps(members))
        dynamodb = client("dynamodb", endpoint)
        pepper = hmac.digest(members[MASTER].encode(), b"keys", "sha256")
        for tenant, key in self.keys.items():
            item = {
                **api_key_key(hmac.digest(pepper, key.encode(), "sha256").hex()),
                "tenant": {"S": tenant},
                "name": {"S": tenant},
                "created_at": {"N": str(int(time.time()))},
            }
            dynamodb.put_item(TableName=stack.tables[0]["TableName"], Item=item)


def _variable(name: str, secret: str) -> str:
    return f"RIG_{re.sub('[^A-Z0-9]', '_', name.upper())}_{secret.removeprefix('api_').upper()}"


def _toml(value: JSON) -> str:
    """A value on one line; JSON's strings, numbers and truths are TOML's, too."""
    match value:
        case dict():
            members = (f"{_toml_key(key)} = {_toml(each)}" for key, each in value.items())
            return f"{{{', '.join(members)}}}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _toml_key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
