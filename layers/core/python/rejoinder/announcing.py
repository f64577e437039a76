"""Telling webhooks that background responses have ended, again and again for a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger
from time import time

from rejoinder.errors import NotFound
from rejoinder.providers.fetching import Fetcher, Sent, Unfetched
from rejoinder.storage.base import ResponseStore
from rejoinder.storage.deliveries import Delivery, DeliveryLog
from rejoinder.storage.jobs import Job, JobQueue, NewJob
from rejoinder.webhooks import WAITS_SECONDS, Webhook, body_of, outcome_event, signed_headers

log = getLogger("rejoinder")


@dataclass(frozen=True, slots=True)
class Announcer:
    """Knows who wants to be told, and tells them."""

    store: ResponseStore
    jobs: JobQueue
    log: DeliveryLog
    fetcher_for: dict[str, Fetcher]  # by webhook: each has rules of its own
    webhooks: Sequence[Webhook]
    retention_seconds: int

    async def announce(self, tenant: str, response_id: str) -> None:
        """Queue a delivery for each webhook that wants this outcome. Told twice, it has one id."""
        try:
            event = outcome_event(await self.store.get(tenant, response_id))
        except NotFound:
            return
        for webhook in self.webhooks:
            if webhook.tenant == tenant and event["type"] in webhook.outcomes:
                await self.jobs.send(NewJob("webhook", tenant, webhook.name, event))

    async def deliver(self, job: Job) -> None:
        """Do a job of kind `webhook`.

        Raises:
            Undelivered: if it is to be tried again.
        """
        webhook = next((each for each in self.webhooks if each.name == job.subject), None)
        if webhook is None:
            return  # it was taken out of the settings
        outcome = await self._outcome(webhook, job)
        now = int(time())
        delivery = Delivery(job.tenant, webhook.name, job.content, job.attempt, now, outcome)
        await self.log.note(delivery, expires_at=now + self.retention_seconds)
        if outcome.startswith("2"):
            return
        if job.attempt > len(WAITS_SECONDS):
            log.error("webhook_given_up", extra={"webhook": webhook.name})
            return
        raise Undelivered(WAITS_SECONDS[job.attempt - 1])

    async def _outcome(self, webhook: Webhook, job: Job) -> str:
        body = body_of(job.content)
        headers = signed_headers(webhook.secret, job.content["id"], int(time()), body)
        try:
            sent = Sent(headers, body)
            return str(await self.fetcher_for[webhook.name].send(webhook.url, sent))
        except Unfetched as error:
            return error.why


class Undelivered(Exception):
    """A receiver did not take an event; it is to be offered again after `wait_seconds`."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds
