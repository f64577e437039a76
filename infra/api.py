"""The REST API: the application's own route table, and what AWS needs around it."""

import json
from collections.abc import Iterable, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from constructs import Construct

from infra.deployed import DESCRIPTION
from infra.firewall import Firewall
from infra.functions import Functions
from infra.logs import log_group
from infra.options import Options
from infra.refusals import add_refusals
from rejoinder.web.routes import ROUTES, Row

STREAM_TIMEOUT = Duration.minutes(15)
BUFFERED_TIMEOUT = Duration.seconds(29)

# One line for each request, and only this: no query, no header, no body.
ACCESS_LOG = {
    "request_id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integration.latency",
    "integration_status": "$context.integration.status",
    "transfer_mode": "$context.integration.responseTransferMode",
    "headers_ms": "$context.integration.timeToAllHeaders",
    "first_content_ms": "$context.integration.timeToFirstContent",
    "error": "$context.error.responseType",
    "integration_error": "$context.integrationErrorMessage",
    "waf": "$context.wafResponseCode",
}


class Api(Construct):
    """The routes, each led to the function that owns it."""

    def __init__(self, scope: Construct, id: str, options: Options, functions: Functions) -> None:
        super().__init__(scope, id)
        self._options = options
        self.rest = self._rest_api()
        self.rest.node.try_remove_child("Endpoint")  # an output; the stack has a better one
        streamed = apigateway.LambdaIntegration(
            functions.front("stream"),
            response_transfer_mode=apigateway.ResponseTransferMode.STREAM,
            timeout=STREAM_TIMEOUT,
            scope_permission_to_method=False,
        )
        buffered = apigateway.LambdaIntegration(
            functions.front("api"),
            timeout=BUFFERED_TIMEOUT,
            scope_permission_to_method=False,
        )
        for path, rows in _by_path(ROUTES).items():
            resource = self.rest.root.resource_for_path(path)
            for row in rows:
                resource.add_method(row.method, streamed if row.may_stream else buffered)
            # The application itself says which methods there are, and answers HEAD and OPTIONS.
            resource.add_method("ANY", buffered)
        for unknown in (self.rest.root, self.rest.root.add_resource("{proxy+}")):
            unknown.add_method("ANY", buffered)  # and says that a URL is unknown
        add_refusals(self.rest, options.cors_origins)
        if options.waf:
            limit = options.waf_requests_per_5_minutes
            stage = self.rest.deployment_stage
            Firewall(self, "Firewall", stage, requests_per_5_minutes=limit)

    @property
    def base_url(self) -> str:
        """What a client takes as its `base_url`."""
        if self._options.domain_name:
            return f"https://{self._options.domain_name}/v1"
        return f"{self.rest.url}v1"

    def _rest_api(self) -> apigateway.RestApi:
        options = self._options
        log = log_group(self, "AccessLog", retention_days=options.log_retention_days)
        return apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=Stack.of(self).stack_name,
            description=DESCRIPTION,
            # An edge-optimised endpoint would drop a stream that is silent for 30 seconds.
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=options.cloud_watch_role,
            disable_execute_api_endpoint=options.domain_name is not None,
            domain_name=self._domain(),
            deploy_options=apigateway.StageOptions(
                stage_name=options.stage,
                throttling_rate_limit=options.rate_limit,
                throttling_burst_limit=options.burst_limit,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
                data_trace_enabled=False,  # it would log what clients say
                metrics_enabled=False,  # those of each method cost; those of the API do not
            ),
        )

    def _domain(self) -> apigateway.DomainNameOptions | None:
        options = self._options
        if not (options.domain_name and options.certificate_arn):
            return None
        return apigateway.DomainNameOptions(
            domain_name=options.domain_name,
            certificate=acm.Certificate.from_certificate_arn(
                self, "Certificate", options.certificate_arn
            ),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )


def _by_path(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.path.replace(":path}", "+}"), []).append(row)
    return found
