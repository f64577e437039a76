"""Routes that may answer with a stream: an ASGI application for the streaming runtime."""

import rejoinder.schema.reader  # noqa: F401, what every POST needs is loaded before the first
from rejoinder.deployment import Deployment
from rejoinder.deployment.front import Front

app = Front(Deployment.from_env(asks=True))
