"""Jobs that failed too often: who waits for them is told."""

from rejoinder.deployment import Deployment
from rejoinder.deployment.process import Process
from rejoinder.deployment.worker import Context, bury
from rejoinder.schema.items import JSON

process = Process(Deployment.from_env())


def handle(event: JSON, _context: Context) -> JSON:
    """Give up the jobs in an event; gives the messages of those that could not be given up."""
    return process.run(bury(process.deployment, event))
