"""Background responses and webhooks: jobs from the queue."""

from rejoinder.deployment import Deployment
from rejoinder.deployment.process import Process
from rejoinder.deployment.worker import Context, work
from rejoinder.schema.items import JSON

process = Process(Deployment.from_env(asks=True))


def handle(event: JSON, context: Context) -> JSON:
    """Do the jobs in an event; gives the messages that did not serve their purpose."""
    return process.run(work(process.deployment, event, context))
