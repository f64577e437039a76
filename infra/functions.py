"""The layers, and the four functions: a function for each runtime profile."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_logs import ILogGroup
from constructs import Construct

from infra.bundling import FUNCTIONS, LAYERS, Bundler
from infra.logs import log_group
from infra.options import Options
from infra.permissions import statements
from infra.queue import Queue
from infra.storage import Storage

RUNTIME = lambda_.Runtime.PYTHON_3_13
METRICS_NAMESPACE = "Rejoinder"
TASK_CONFIG = "/var/task/rejoinder.toml"


@dataclass(frozen=True, slots=True)
class Profile:
    """How Lambda runs a function."""

    description: str
    handler: str
    timeout: Duration
    may_loop: bool = False  # it sends messages to the queue that it is fed from


PROFILES: Mapping[str, Profile] = {
    "stream": Profile(
        "Routes that may answer with a stream: create and retrieve",
        "handler.app",
        Duration.minutes(15),
    ),
    "api": Profile("All other routes", "handler.handle", Duration.seconds(29)),
    "worker": Profile(
        "Background responses and webhooks", "handler.handle", Duration.minutes(15), may_loop=True
    ),
    "dlq": Profile("Jobs that failed too often", "handler.handle", Duration.minutes(1)),
}
FRONTS = ("stream", "api")  # those that clients wait for
# The streaming runtime of layers/runtime, in the place of the managed one.
WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/rejoinder/bootstrap"}


class Functions(Construct):
    """The functions by their names, each with a role and a log group of its own."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        options: Options,
        storage: Storage,
        queue: Queue,
        bundler: Bundler,
    ) -> None:
        super().__init__(scope, id)
        self._options, self._storage, self._queue = options, storage, queue
        self._bundler = bundler
        self._layers = {name: self._layer(name) for name in LAYERS}
        self.by_name = {name: self._function(name) for name in FUNCTIONS}
        self._feed()

    def front(self, name: str) -> lambda_.IFunction:
        """What the REST API calls: with SnapStart a version, for only those have snapshots."""
        function = self.by_name[name]
        if not self._options.snap_start:
            return function
        return lambda_.Alias(
            self, f"{name}-live", alias_name="live", version=function.current_version
        )

    def _layer(self, name: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            f"{name}-layer",
            code=lambda_.Code.from_asset(str(self._bundler.layer(name))),
            compatible_architectures=[lambda_.Architecture.ARM_64],
            compatible_runtimes=[RUNTIME],
            description=f"Rejoinder: {name}",
        )

    def _function(self, name: str) -> lambda_.Function:
        profile, options = PROFILES[name], self._options
        logs = log_group(self, f"{name}-logs", retention_days=options.log_retention_days)
        streams = name == "stream"
        snap_start = options.snap_start and name in FRONTS
        function = lambda_.Function(
            self,
            name,
            description=f"Rejoinder: {profile.description}",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=profile.handler,
            code=lambda_.Code.from_asset(str(self._bundler.function(name))),
            layers=[layer for key, layer in self._layers.items() if streams or key != "runtime"],
            memory_size=options.memory_mb,
            timeout=profile.timeout,
            reserved_concurrent_executions=options.reserved_concurrency if streams else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if profile.may_loop else None,
            environment=self._environment() | (WRAPPER if streams else {}),
            log_group=logs,
            role=self._role(name, logs),
        )
        if options.subnet_ids:
            self._join_network(function)
        return function

    def _join_network(self, function: lambda_.Function) -> None:
        """By ids alone: the library's own way wants to know the VPC, and gives a policy of AWS."""
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=[*self._options.subnet_ids],
            security_group_ids=[*self._options.security_group_ids],
        )

    def _environment(self) -> dict[str, str]:
        """Nothing here is secret: whoever may list functions may read it."""
        found = {
            "REJOINDER_TABLE": self._storage.table.table_name,
            "REJOINDER_QUEUE_URL": self._queue.jobs.queue_url,
            "REJOINDER_BUCKET": self._storage.bucket.bucket_name,
            "REJOINDER_SECRET_ARN": self._storage.secret.secret_arn,
            "POWERTOOLS_SERVICE_NAME": Stack.of(self).stack_name,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        }
        if self._bundler.settings:
            found["REJOINDER_CONFIG"] = TASK_CONFIG
        if not self._options.bedrock:
            found["REJOINDER_BEDROCK"] = "off"
        if self._options.cors_origins:
            found["REJOINDER_CORS_ORIGINS"] = ",".join(self._options.cors_origins)
        return found

    def _role(self, name: str, logs: ILogGroup) -> iam.Role:
        role = iam.Role(
            self, f"{name}-role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        for statement in [
            *statements(name, self._storage, self._queue, self._options),
            iam.PolicyStatement(
                sid="Logs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[logs.log_group_arn],
            ),
        ]:
            role.add_to_policy(statement)
        return role

    def _feed(self) -> None:
        """One message at a time: a job that fails cannot delay another."""
        lambda_.EventSourceMapping(
            self,
            "jobs-to-worker",
            target=self.by_name["worker"],
            event_source_arn=self._queue.jobs.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=self._options.worker_concurrency,
        )
        lambda_.EventSourceMapping(
            self,
            "dead-to-dlq",
            target=self.by_name["dlq"],
            event_source_arn=self._queue.dead.queue_arn,
            batch_size=1,
            report_batch_item_failures=True,
        )
