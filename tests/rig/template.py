"""The synthesized template, read as a Stack: what is deployed is what the rig runs.

Whatever the rig does not know how to run is refused here, so that the two cannot drift apart.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.rig.services import queue_url
from tests.rig.stack import (
    ACCOUNT,
    BROKEN,
    DEFAULT_CONCURRENCY,
    REGION,
    Function,
    GatewayResponse,
    Queue,
    Route,
    Stack,
)

type JSON = Any

SETTINGS = "rejoinder.toml"
TASK_ROOT = "/var/task"
RUNTIME = "python3.13"
TABLE_ARGUMENTS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
STREAMING = "/response-streaming-invocations"
_HASH = re.compile(r"[0-9A-F]{8}$")


class Unknown(Exception):
    """The template asks for something that the rig does not do."""


class Template:
    """One synthesized template, with its assets beside it.

    `folder` is the rig's own: code and layers are laid out there. `endpoint` is where AWS is.
    """

    def __init__(self, assembly: Path, folder: Path, endpoint: str) -> None:
        (path,) = assembly.glob("*.template.json")
        (manifest,) = assembly.glob("*.assets.json")
        self._resources: Mapping[str, JSON] = json.loads(path.read_text())["Resources"]
        self._assets = {
            destination["objectKey"]: assembly / asset["source"]["path"]
            for asset in json.loads(manifest.read_text())["files"].values()
            for destination in asset["destinations"].values()
        }
        self._folder = folder
        self._endpoint = endpoint

    def stack(self, settings: str) -> Stack:
        """All of it, with the operator's settings in the place of the bundled ones.

        Raises:
            Unknown: if the rig cannot run what is deployed.
        """
        return Stack(
            functions={
                _name(key): self._function(key, properties, settings)
                for key, properties in self._of("Lambda::Function")
            },
            routes=tuple(self._route(method) for _, method in self._of("ApiGateway::Method")),
            responses=dict(self._responses()),
            queues=tuple(self._queue(*each) for each in self._of("SQS::Queue")),
            tables=tuple(self._table(*each) for each in self._of("DynamoDB::Table")),
            buckets=tuple(self._ref(key) for key, _ in self._of("S3::Bucket")),
            secrets={
                _name(key): _generated(each) for key, each in self._of("SecretsManager::Secret")
            },
            binary_media_types=tuple(
                kind
                for _, api in self._of("ApiGateway::RestApi")
                for kind in api.get("BinaryMediaTypes", [])
            ),
        )

    def _of(self, kind: str) -> Iterator[tuple[str, JSON]]:
        for key, resource in self._resources.items():
            if resource["Type"] == f"AWS::{kind}":
                yield key, resource["Properties"]

    def _function(self, key: str, properties: JSON, settings: str) -> Function:
        if properties["Runtime"] != RUNTIME:
            raise Unknown(f"{key} runs {properties['Runtime']}")
        code = self._folder / "task" / _name(key)
        shutil.copytree(self._assets[properties["Code"]["S3Key"]], code)
        (code / SETTINGS).write_text(settings)
        given = properties.get("Environment", {}).get("Variables", {})
        env = {name: self._value(value) for name, value in given.items()}
        return Function(
            name=_name(key),
            handler=properties["Handler"],
            code=code,
            opt=self._opt([layer["Ref"] for layer in properties.get("Layers", [])]),
            env={name: value.replace(TASK_ROOT, str(code)) for name, value in env.items()},
            timeout_seconds=properties["Timeout"],
            memory_mb=properties["MemorySize"],
            concurrency=properties.get("ReservedConcurrentExecutions", DEFAULT_CONCURRENCY),
        )

    def _opt(self, layers: list[str]) -> Path:
        """Layers laid over each other, as Lambda does in /opt; links, for they are large."""
        opt = self._folder / "opt" / "-".join(map(_name, layers))
        if not opt.exists():
            for layer in layers:
                asset = self._assets[self._resources[layer]["Properties"]["Content"]["S3Key"]]
                shutil.copytree(asset, opt, copy_function=_linked, dirs_exist_ok=True)
        return opt

    def _route(self, method: JSON) -> Route:
        integration = method["Integration"]
        if integration == {"Type": "MOCK"}:
            return Route(method["HttpMethod"], self._path(method["ResourceId"]), BROKEN)
        if integration["Type"] != "AWS_PROXY":
            raise Unknown(f"an integration of type {integration['Type']}")
        is_streamed = integration.get("ResponseTransferMode") == "STREAM"
        parts = integration["Uri"]["Fn::Join"][1]
        if parts[-1].endswith(STREAMING) != is_streamed:
            raise Unknown("an integration whose URI is not of its transfer mode")
        (function,) = (
            part["Fn::GetAtt"][0]
            for part in parts
            if isinstance(part, dict) and "Fn::GetAtt" in part
        )
        return Route(
            method["HttpMethod"],
            self._path(method["ResourceId"]),
            _name(function),
            is_streamed,
            integration.get("TimeoutInMillis", 29_000) / 1000,
        )

    def _path(self, resource: JSON) -> str:
        if "Ref" not in resource:
            return "/"  # the root, an attribute of the API
        properties = self._resources[resource["Ref"]]["Properties"]
        return f"{self._path(properties['ParentId']).rstrip('/')}/{properties['PathPart']}"

    def _responses(self) -> Iterator[tuple[str, GatewayResponse]]:
        prefix = "gatewayresponse.header."
        for _, properties in self._of("ApiGateway::GatewayResponse"):
            status = properties.get("StatusCode")
            headers = properties.get("ResponseParameters", {})
            yield (
                properties["ResponseType"],
                GatewayResponse(
                    status=int(status) if status else None,
                    headers={name.removeprefix(prefix): headers[name] for name in headers},
                    template=properties.get("ResponseTemplates", {}).get("application/json"),
                ),
            )

    def _queue(self, key: str, properties: JSON) -> Queue:
        redrive = properties.get("RedrivePolicy")
        mappings = [
            mapping
            for _, mapping in self._of("Lambda::EventSourceMapping")
            if mapping["EventSourceArn"]["Fn::GetAtt"][0] == key
        ]
        for mapping in mappings:
            if mapping["BatchSize"] != 1:
                raise Unknown("batches of more than one message")
        mapping = mappings[0] if mappings else {}
        return Queue(
            name=_name(key),
            function=_name(mapping["FunctionName"]["Ref"]) if mapping else "",
            visibility_seconds=properties.get("VisibilityTimeout", 30),
            dead_letters_to=_name(redrive["deadLetterTargetArn"]["Fn::GetAtt"][0])
            if redrive
            else "",
            max_receive_count=redrive["maxReceiveCount"] if redrive else 0,
            at_a_time=mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 5),
            reports_item_failures="ReportBatchItemFailures"
            in mapping.get("FunctionResponseTypes", []),
        )

    def _table(self, key: str, properties: JSON) -> Mapping[str, JSON]:
        kept = {name: properties[name] for name in TABLE_ARGUMENTS if name in properties}
        return {"TableName": self._ref(key), **kept}

    def _value(self, value: JSON) -> str:
        match value:
            case str():
                return value
            case {"Ref": str(key)}:
                return self._ref(key)
            case _:
                raise Unknown(f"the value {value!r}")

    def _ref(self, key: str) -> str:
        """What CloudFormation's Ref gives for a resource."""
        match self._resources[key]["Type"]:
            case "AWS::SQS::Queue":
                return queue_url(self._endpoint, _name(key))
            case "AWS::SecretsManager::Secret":
                return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{_name(key)}"
            case "AWS::S3::Bucket":
                return _name(key).lower()
            case "AWS::DynamoDB::Table":
                return _name(key)
            case kind:
                raise Unknown(f"a reference to {kind}")


def _name(key: str) -> str:
    """A logical id without the CDK's hash, and functions without their construct's name."""
    return _HASH.sub("", key).removeprefix("Functions")


def _generated(properties: JSON) -> str:
    """The secret's first content, as Secrets Manager generates it."""
    wanted = properties["GenerateSecretString"]
    content = json.loads(wanted["SecretStringTemplate"])
    content[wanted["GenerateStringKey"]] = secrets.token_hex(wanted["PasswordLength"] // 2)
    return json.dumps(content)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
