"""Routes that may answer with a stream: an ASGI application for the streaming runtime."""

from rejoinder.deployment import Deployment
from rejoinder.deployment.front import Front
from rejoinder.schema.reader import read_request  # noqa: F401, loaded before the first POST

app = Front(Deployment.from_env(asks=True))
