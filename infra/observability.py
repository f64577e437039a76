"""What tells the operator how it goes: alarms, and a dashboard.

The functions write their own metrics into their logs (EMF), in the namespace `Rejoinder` under the
dimension `service`, which is the stack's name; errors also with the dimension `code` besides.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.api import Api
from infra.functions import METRICS_NAMESPACE, Functions
from infra.queue import Queue
from infra.storage import Storage

PERIOD = Duration.minutes(5)
SERVER_ERRORS = 5  # in a period
UPSTREAM_ERRORS = 10
WAITING_SECONDS = 1800  # twice the longest run


class Observability(Construct):
    """Alarms that mean something is to be done, and the figures to find out what."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        api: Api,
        functions: Functions,
        queue: Queue,
        storage: Storage,
    ) -> None:
        super().__init__(scope, id)
        self._api, self._functions, self._queue, self._storage = api, functions, queue, storage
        self._alarms: list[cloudwatch.Alarm] = []
        self.alarm_metrics = 0  # which is what alarms are billed by
        self._add_alarms()
        stack = Stack.of(self)
        # The regions of an account share the names of dashboards.
        self.dashboard_name = f"{stack.stack_name}-{stack.region}"
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.dashboard_name,
            widgets=[self._of_requests(), self._of_models(), self._of_work(), self._of_limits()],
        )

    def tell(self, address: str) -> None:
        """Send the alarms to a person, who is asked by mail whether that is wanted."""
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(address))
        # What demands TLS takes the place of SNS's own policy, by which alarms might publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        for alarm in self._alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _add_alarms(self) -> None:
        dead = self._queue.dead.metric_approximate_number_of_messages_visible(period=PERIOD)
        age = self._queue.jobs.metric_approximate_age_of_oldest_message(period=PERIOD)
        (upstream,), (given_up,) = self._own("UpstreamErrors", "Sum"), self._own("GivenUp", "Sum")
        self._alarm("ServerErrors", self._server_errors(), SERVER_ERRORS, "5xx answers")
        self._alarm("FunctionErrors", self._summed("Errors"), 1, "A function broke")
        self._alarm("UpstreamErrors", upstream, UPSTREAM_ERRORS, "Calls of models failed")
        self._alarm("Throttles", self._summed("Throttles"), 1, "Too few concurrent functions")
        self._alarm("GivenUp", given_up, 1, "A job was given up")
        self._alarm("DeadJobs", dead, 1, "A job that was given up could not be told of")
        self._alarm("QueueAge", age, WAITING_SECONDS, "Background responses wait too long")
        self._alarm("TableThrottles", self._table_throttles(), 1, "DynamoDB refused requests")

    def _alarm(
        self, id: str, metric: cloudwatch.IMetric, threshold: float, description: str
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id,
            alarm_description=f"Rejoinder: {description}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self._alarms.append(alarm)
        if isinstance(metric, cloudwatch.MathExpression):
            self.alarm_metrics += len(metric.using_metrics or {})
        else:
            self.alarm_metrics += 1

    def _of_requests(self) -> list[cloudwatch.IWidget]:
        rest = self._api.rest
        return [
            _graph(
                "Requests",
                [
                    rest.metric_count(period=PERIOD, statistic="Sum"),
                    rest.metric_client_error(period=PERIOD, statistic="Sum"),
                    self._server_errors(),
                ],
            ),
            _graph("Errors by code", [self._by_code("Errors"), self._by_code("UpstreamErrors")]),
            _graph("Time to first token (ms)", self._own("TimeToFirstToken", "p50", "p95")),
        ]

    def _of_models(self) -> list[cloudwatch.IWidget]:
        tokens = [*self._own("InputTokens", "Sum"), *self._own("OutputTokens", "Sum")]
        return [
            _graph("Tokens", tokens),
            _graph("Cost of the models (USD)", self._own("CostUsd", "Sum")),
            _graph("Duration (ms)", self._own("DurationMs", "p50", "p95")),
        ]

    def _of_work(self) -> list[cloudwatch.IWidget]:
        jobs, dead = self._queue.jobs, self._queue.dead
        return [
            _graph("Queue age (s)", [jobs.metric_approximate_age_of_oldest_message(period=PERIOD)]),
            _graph(
                "Jobs",
                [
                    jobs.metric_approximate_number_of_messages_visible(label="waiting"),
                    jobs.metric_approximate_number_of_messages_not_visible(label="running"),
                    dead.metric_approximate_number_of_messages_visible(label="dead"),
                ],
            ),
            _graph("Responses", self._own("Requests", "Sum")),
        ]

    def _of_limits(self) -> list[cloudwatch.IWidget]:
        functions = self._functions.by_name
        return [
            _graph("Throttles", [self._summed("Throttles"), self._table_throttles()]),
            _graph("Function errors", self._each("Errors", "Sum")),
            _graph(
                "Concurrent executions",
                [
                    function.metric("ConcurrentExecutions", statistic="Maximum", label=name)
                    for name, function in functions.items()
                ],
            ),
        ]

    def _server_errors(self) -> cloudwatch.Metric:
        return self._api.rest.metric_server_error(period=PERIOD, statistic="Sum")

    def _each(self, metric: str, statistic: str) -> list[cloudwatch.IMetric]:
        return [
            function.metric(metric, statistic=statistic, period=PERIOD, label=name)
            for name, function in self._functions.by_name.items()
        ]

    def _summed(self, metric: str) -> cloudwatch.MathExpression:
        """Of all functions together."""
        names = [*self._functions.by_name]
        using = dict(zip(names, self._each(metric, "Sum"), strict=True))
        return _sum(f"{metric.lower()} of functions", using)

    def _table_throttles(self) -> cloudwatch.MathExpression:
        using = {
            kind.lower(): self._storage.table.metric(
                f"{kind}ThrottleEvents", statistic="Sum", period=PERIOD
            )
            for kind in ("Read", "Write")
        }
        return _sum("throttles of the table", using)

    def _own(self, name: str, *statistics: str) -> Sequence[cloudwatch.IMetric]:
        """A metric that the functions write."""
        return [
            cloudwatch.Metric(
                namespace=METRICS_NAMESPACE,
                metric_name=name,
                dimensions_map={"service": Stack.of(self).stack_name},
                statistic=statistic,
                period=PERIOD,
                label=f"{name} {statistic}",
            )
            for statistic in statistics
        ]

    def _by_code(self, name: str) -> cloudwatch.MathExpression:
        """All codes that there are, which nobody can list beforehand."""
        service = Stack.of(self).stack_name
        search = f'{{{METRICS_NAMESPACE},code,service}} MetricName="{name}" service="{service}"'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{search}', 'Sum', {PERIOD.to_seconds()})",
            using_metrics={},
            label="",
            period=PERIOD,
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*metrics], width=8, height=6)


def _sum(label: str, using: Mapping[str, cloudwatch.IMetric]) -> cloudwatch.MathExpression:
    """A sum for which one metric is enough: else where one says nothing, there is no sum."""
    expression = " + ".join(f"FILL({name}, 0)" for name in using)
    return cloudwatch.MathExpression(
        expression=expression, using_metrics={**using}, label=label, period=PERIOD
    )
