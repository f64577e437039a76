"""A deployment in moto's cloud, and its functions, loaded as AWS loads them: by their handlers."""

import asyncio
import hmac
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from msgspec.json import encode

from rejoinder.aws.accounts import digest_of
from rejoinder.aws.credentials import Credentials
from rejoinder.aws.table import api_key_key
from rejoinder_runtime.lifespan import Lifespan
from tests.clients.models import Models
from tests.functions.events import Context
from tests.storage.moto_server import ENV, REGION, SECRET, Aws
from tests.upstreams.chat_completions import ChatUpstream

type JSON = Any

FUNCTIONS = Path(__file__).parents[2] / "functions"
KEY = "sk-rj-00000000-of-one-tenant"
OTHER_KEY = "sk-rj-11111111-of-another-tenant"
UPSTREAM_KEY = "sk-upstream-of-the-operator"
SETTINGS = """
{extra}
retries = 0
patience_seconds = 1.0

[background]
lease_seconds = 3.0

[providers.scripted]
base_url = "{url}"
flavour = "openai"
api_key_env = "SCRIPTED_API_KEY"
"""


class Cloud:
    """One table, queue, bucket and secret, the environment that names them, and an upstream."""

    def __init__(self, endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._runner = asyncio.Runner()
        self._transport = httpx.AsyncHTTPTransport()
        self._monkeypatch = monkeypatch
        self.aws = Aws(endpoint, self._transport, Credentials(ENV, self._transport))
        self.run(self.aws.create())
        self.upstream = ChatUpstream(api_key=UPSTREAM_KEY)
        self.models = Models("scripted", self.upstream)
        self._config = folder / "rejoinder.toml"

    def open(self, extra: str = "", tables: str = "") -> None:
        """Write the settings, the secret and the keys, and set the environment."""
        settings = SETTINGS.format(extra=extra, url=self.upstream.base_url)
        self._config.write_text(settings + tables)
        self.keep_secret({"SCRIPTED_API_KEY": UPSTREAM_KEY})
        self.add_key(KEY, "one")
        self.add_key(OTHER_KEY, "another")
        for name in [name for name in os.environ if name.startswith(("AWS_", "OPENAI_"))]:
            self._monkeypatch.delenv(name)
        for name, value in self.env.items():
            self._monkeypatch.setenv(name, value)

    @property
    def env(self) -> Mapping[str, str]:
        """What the stack sets."""
        return {
            **ENV,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_LAMBDA_FUNCTION_NAME": "rejoinder-under-test",
            "REJOINDER_TABLE": self.aws.table,
            "REJOINDER_BUCKET": self.aws.bucket_name,
            "REJOINDER_QUEUE_URL": self.aws.queue_url,
            "REJOINDER_SECRET_ARN": self.aws.secret_arn,
            "REJOINDER_CONFIG": str(self._config),
        }

    def run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def call(self, service: str, operation: str, **request: JSON) -> JSON:
        """Ask AWS, as an operator would."""
        return self.run(self.aws.service(service).call(operation, request))

    def keep_secret(self, members: Mapping[str, str]) -> None:
        """Change the secret."""
        text = encode({"master": SECRET["master"], **members}).decode()
        self.call(
            "secretsmanager", "PutSecretValue", SecretId=self.aws.secret_arn, SecretString=text
        )

    def add_key(self, key: str, tenant: str) -> None:
        """Let a tenant in."""
        item = {**self._key_of(key), "tenant": {"S": tenant}}
        self.call("dynamodb", "PutItem", TableName=self.aws.table, Item=item)

    def revoke(self, key: str) -> None:
        """Let nobody in by this key any more."""
        self.call("dynamodb", "DeleteItem", TableName=self.aws.table, Key=self._key_of(key))

    def send(self, body: str) -> None:
        """Put something into the queue."""
        self.call("sqs", "SendMessage", QueueUrl=self.aws.queue_url, MessageBody=body)

    def received(self) -> list[JSON]:
        """The messages that are in the queue, taken for as long as the queue says."""
        given = self.call(
            "sqs",
            "ReceiveMessage",
            QueueUrl=self.aws.queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
        )
        taken: list[JSON] = given.get("Messages", [])
        return taken

    def waiting(self) -> int:
        """How many messages are in the queue, also delayed ones and those that somebody has."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "Delayed", "NotVisible")]
        told = self.call(
            "sqs", "GetQueueAttributes", QueueUrl=self.aws.queue_url, AttributeNames=names
        )
        return sum(int(told["Attributes"][name]) for name in names)

    def close(self) -> None:
        self.run(self._transport.aclose())
        self._runner.close()

    @staticmethod
    def _key_of(key: str) -> JSON:
        pepper = hmac.digest(SECRET["master"].encode(), b"keys", "sha256")
        return api_key_key(digest_of(key, pepper))


def loaded(name: str) -> ModuleType:
    """The handler of a function, imported anew."""
    spec = spec_from_file_location(f"handler_{name}", FUNCTIONS / name / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def buffered(name: str) -> Iterator[ModuleType]:
    """A function of AWS's own runtime."""
    module = loaded(name)
    try:
        yield module
    finally:
        module.process.close()


class Streaming:
    """The streaming function, started; its answers come whole."""

    def __init__(self, runner: asyncio.Runner, app: JSON) -> None:
        self._runner = runner
        self._app = app

    def ask(
        self, method: str, path: str, *, key: str = KEY, left_seconds: float = 900.0, **more: JSON
    ) -> httpx.Response:
        """A request, and all of its answer."""
        return self._runner.run(self._asked(method, path, key, left_seconds, more))

    def meanwhile(self, slow: JSON, wait: Callable[[], None], quick: JSON) -> list[httpx.Response]:
        """Two requests to create: the second after the wait, while the first is being answered."""

        async def both() -> list[httpx.Response]:
            first = asyncio.create_task(self._created(slow))
            await asyncio.to_thread(wait)
            second = await self._created(quick)
            assert not first.done()
            return [await first, second]

        return self._runner.run(both())

    async def _created(self, body: JSON) -> httpx.Response:
        return await self._asked("POST", "/v1/responses", KEY, 900.0, {"json": body})

    def restore(self) -> None:
        """What the runtime does when it was a snapshot."""
        self._runner.run(self._app.after_restore())

    def create(self, **body: JSON) -> httpx.Response:
        """POST /v1/responses."""
        options = {name: body.pop(name) for name in ("key", "left_seconds") if name in body}
        return self.ask("POST", "/v1/responses", json=body, **options)

    async def _asked(
        self, method: str, path: str, key: str, left_seconds: float, more: JSON
    ) -> httpx.Response:
        async def app(scope: JSON, receive: JSON, send: JSON) -> None:
            await self._app({**scope, "aws.context": Context(left_seconds)}, receive, send)

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://front") as client:
            headers = {"authorization": f"Bearer {key}"} | more.pop("headers", {})
            return await client.request(method, path, headers=headers, timeout=30, **more)


@contextmanager
def streaming(app: JSON = None) -> Iterator[Streaming]:
    """The function of the streaming runtime, which lives through its lifespan."""
    with asyncio.Runner() as runner:
        app = app or loaded("stream").app
        lifespan = Lifespan(app)
        runner.run(lifespan.startup())
        try:
            yield Streaming(runner, app)
        finally:
            runner.run(lifespan.shutdown())
