"""The whole product as one stack, in the order in which a request meets it, read backwards."""

from aws_cdk import CfnOutput, Stack, Tags
from constructs import Construct

from infra.api import Api
from infra.bundling import Bundler
from infra.costs import Idle, per_thousand
from infra.deployed import DEFAULT_STACK, DESCRIPTION
from infra.functions import FRONTS, Functions
from infra.nag import acknowledge
from infra.observability import Observability
from infra.options import Options
from infra.queue import Queue
from infra.storage import Storage
from rejoinder.settings import Settings

CONCURRENCY_QUOTA = "L-B99A9384"  # Lambda: concurrent executions


class GatewayStack(Stack):
    """One gateway: its storage, its queue, its functions, its API, its alarms."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        options: Options,
        settings: Settings,
        bundler: Bundler,
    ) -> None:
        super().__init__(
            scope,
            name,
            stack_name=name,
            description=DESCRIPTION,
        )
        self.options = options
        self.storage = Storage(self, "Storage", options, settings.retention_seconds)
        self.queue = Queue(self, "Queue", self.storage.key)
        self.functions = Functions(self, "Functions", options, self.storage, self.queue, bundler)
        self.api = Api(self, "Api", options, self.functions)
        self.observability = Observability(
            self,
            "Observability",
            api=self.api,
            functions=self.functions,
            queue=self.queue,
            storage=self.storage,
        )
        if options.alarm_email:
            self.observability.tell(options.alarm_email)
        self._tell()
        acknowledge(self, self.storage.bucket.bucket_arn)
        Tags.of(self).add("application", "rejoinder")

    def _tell(self) -> None:
        """The outputs: for people, and for `infra.keys`, which finds table and secret by them."""
        options, storage = self.options, self.storage
        thousand = per_thousand(options.memory_mb)
        shown = ", ".join(f"${cost:.2f} for {name}" for name, cost in thousand.items())
        idle = Idle(
            self.observability.alarm_metrics,
            has_firewall=options.waf,
            has_own_key=options.kms_key_arn is not None,
            snapshots_gb=len(FRONTS) * options.memory_mb / 1024 if options.snap_start else 0,
        )
        named = "" if self.stack_name == DEFAULT_STACK else f" STACK={self.stack_name}"
        told = {
            "BaseUrl": self.api.base_url,
            "FirstKey": f"make key NAME=me{named}",
            "ProviderKeys": f"make provider-key NAME=OPENAI_API_KEY{named}",
            "TableName": storage.table.table_name,
            "BucketName": storage.bucket.bucket_name,
            "SecretName": storage.secret.secret_name,
            "KeepsData": "yes" if options.keep_data else "no",
            "Dashboard": f"https://{self.region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={self.region}#dashboards/dashboard/{self.observability.dashboard_name}",
            "IdleCost": f"${idle.monthly_free_tier:.2f} a month; ${idle.monthly:.2f} if the "
            "account's free dashboards and alarms are used up",
            "CostPer1000Requests": f"{shown} (without the models; {options.memory_mb} MB)",
            "Quota": f"Each open stream is one concurrent execution; a new account may have few: "
            f"aws service-quotas get-service-quota --service-code lambda --quota-code "
            f"{CONCURRENCY_QUOTA}",
        }
        if options.domain_name and (domain := self.api.rest.domain_name):
            told["DomainTarget"] = domain.domain_name_alias_domain_name
            told["DomainTargetZone"] = domain.domain_name_alias_hosted_zone_id
        for name, value in told.items():
            CfnOutput(self, name, value=value)
