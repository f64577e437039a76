"""All other routes: the same application, its answers whole."""

from mangum import Mangum

from rejoinder.deployment import Deployment
from rejoinder.deployment.front import Front
from rejoinder.deployment.process import Process

process = Process(Deployment.from_env())
handle = Mangum(Front(process.deployment), lifespan="off")
