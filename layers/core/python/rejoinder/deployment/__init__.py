"""What AWS calls: the product in a function, made of its environment and the one secret."""

import os
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from functools import partial
from logging import getLogger
from time import time
from typing import Self

import rejoinder.deployment.loading as loading  # before all that is large
from rejoinder.aws.accounts import Accounts
from rejoinder.aws.bucket import Bucket
from rejoinder.aws.client import AwsError, Service
from rejoinder.aws.conversations import DynamoConversations
from rejoinder.aws.credentials import Credentials
from rejoinder.aws.deliveries import DynamoDeliveries
from rejoinder.aws.idempotency import DynamoKeys
from rejoinder.aws.jobs import SqsQueue
from rejoinder.aws.responses import DynamoStore
from rejoinder.aws.secrets import Secrets
from rejoinder.deployment.connections import Pool, Watched
from rejoinder.deployment.place import Place
from rejoinder.dialects import DIALECTS, load_all
from rejoinder.errors import GatewayError
from rejoinder.gateway import Gateway
from rejoinder.observe import observe
from rejoinder.runs import Runs
from rejoinder.sealing import Sealer
from rejoinder.services import found_services
from rejoinder.wiring import Stores, build_gateway

RESERVED_SECONDS = 60.0  # for which an idempotency key waits for the process that came first

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Secret:
    """What the secret says, as the gateway was built with it."""

    members: Mapping[str, str] = field(repr=False)
    seal_key: bytes = field(repr=False)


class Deployment:
    """One process of a function. It is opened at the start, or when a snapshot was restored.

    `asks`: it asks upstreams, so that their dialects are loaded before the first request.
    """

    def __init__(
        self,
        place: Place,
        env: Mapping[str, str],
        *,
        asks: bool = False,
        clock: Callable[[], float] = time,  # others may stand still while we are frozen
    ) -> None:
        self.settings = place.settings()
        self.cors_origins = place.cors_origins
        self._place = place
        self._env = env
        self._asks = asks
        self._clock = clock
        self._runs: Runs | None = None
        self._secret: Secret | None = None
        self._was_refused = False

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, *, asks: bool = False) -> Self:
        """What the environment describes, and its log.

        Raises:
            SettingsError: naming what is wrong.
        """
        observe(env)
        return cls(Place.from_env(env), env, asks=asks)

    def load(self) -> None:
        """Load code that a snapshot may keep, whatever the secret will say."""
        if self._asks:
            for dialect in DIALECTS.values():
                dialect.load()

    async def open(self) -> None:
        """Connect to everything, and fetch the secret.

        Raises:
            GatewayError: if the secret cannot be read, or what it says cannot be used.
            AwsError: if we may not read it.
        """
        self._pool = Pool()
        try:
            await self._connect()
        except (AwsError, GatewayError):
            await self.close()
            raise
        loading.loaded()

    async def _connect(self) -> None:
        place = self._place
        credentials = Credentials(self._env, self._pool)
        service = partial(Service, self._pool, credentials, region=place.region)
        dynamodb = service(name="dynamodb")
        secretsmanager = service(name="secretsmanager")
        self._secrets = Secrets(secretsmanager, place.secret, self._clock)
        self.keys = Accounts(dynamodb, place.table, self._secrets, self._clock)
        self.queue = SqsQueue(service(name="sqs"), place.queue_url, dynamodb, place.table)
        bucket = Bucket(self._pool, credentials, name=place.bucket, region=place.region)
        self._stores = Stores(
            responses=DynamoStore(dynamodb, bucket, place.table),
            jobs=self.queue,
            keys=DynamoKeys(dynamodb, place.table),
            deliveries=DynamoDeliveries(dynamodb, place.table),
            conversations=DynamoConversations(dynamodb, bucket, place.table),
            reserved_seconds=RESERVED_SECONDS,
        )
        self._secret = await self._read_secret()
        self._gateway = self._built(self._secret)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def gateway(self) -> Gateway:
        """The product, with the secret as it is now; if that is of no use, as it was.

        Responses that are being made go on with the gateway that they began with.
        """
        try:
            secret = await self._read_secret()
            if secret != self._secret:
                self._secret = secret  # which is tried once, whatever comes of it
                self._gateway = self._built(secret)
        except (AwsError, GatewayError) as error:
            log.error("secret_not_usable", extra={"why": str(error)})
        return self._gateway

    async def _read_secret(self) -> Secret:
        if self._was_refused:  # perhaps a key was changed where it is from
            self._was_refused = False
            await self._secrets.refresh()
        return Secret(await self._secrets.members(), await self._secrets.seal_key())

    def _built(self, secret: Secret) -> Gateway:
        env = {**self._env, **secret.members}
        found = {**found_services(env), **self.settings.providers}
        gateway = build_gateway(
            replace(self.settings, providers=found),
            self._stores,
            Watched(self._pool, self._on_refusal),
            Sealer(secret.seal_key),
            env,
            self._runs,
        )
        self._runs = gateway.runs  # also of the next one
        if self._asks:
            load_all(gateway.registry)
        return gateway

    def _on_refusal(self) -> None:
        self._was_refused = True
