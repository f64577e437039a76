"""The stack as `python -m infra.app` writes it, read without the CDK."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

type JSON = Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Synthesis:
    """A folder like cdk.out."""

    folder: Path
    stack: str = "Rejoinder"

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stack}.template.json"

    @property
    def template(self) -> JSON:
        return json.loads(self.path.read_text())

    def of_type(self, type: str) -> dict[str, JSON]:
        """The properties of all resources of a type, by their names in the template."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == type
        }

    def one(self, type: str) -> JSON:
        """The properties of the only resource of a type."""
        (found,) = self.of_type(type).values()
        return found

    def function(self, name: str) -> JSON:
        """The properties of one of the functions."""
        return self.of_type("AWS::Lambda::Function")[self.name_of(name)]

    def name_of(self, function: str) -> str:
        """A function's name in the template."""
        (found,) = (
            name
            for name in self.of_type("AWS::Lambda::Function")
            if name.startswith(f"Functions{function}")
        )
        return found

    def statements(self, function: str) -> dict[str, JSON]:
        """What a function may do, by the ids of the statements."""
        role = self.function(function)["Role"]["Fn::GetAtt"][0]
        (policy,) = (
            policy
            for policy in self.of_type("AWS::IAM::Policy").values()
            if policy["Roles"] == [{"Ref": role}]
        )
        return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}

    def output(self, name: str) -> str:
        """An output, with the names of resources in place of what AWS will call them."""
        return flat(self.template["Outputs"][name]["Value"])

    def alarm_metrics(self) -> list[JSON]:
        """Every metric of every alarm: they are billed by these."""
        found: list[JSON] = []
        for alarm in self.of_type("AWS::CloudWatch::Alarm").values():
            queries = alarm.get("Metrics", [{"MetricStat": alarm.get("MetricName")}])
            found += [query["MetricStat"] for query in queries if "MetricStat" in query]
        return found

    def findings(self) -> list[JSON]:
        """What the checks found and nobody gave a reason for."""
        report = json.loads((self.folder / "validation-report.json").read_text())
        return [each for plugin in report["pluginReports"] for each in plugin["violations"]]


def flat(value: JSON) -> str:
    """A value of a template as text."""
    if isinstance(value, str):
        return value
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(flat, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
    return json.dumps(value)


def listed(value: JSON) -> list[JSON]:
    """IAM writes a list of one as its member."""
    return value if isinstance(value, list) else [value]


def synthesise(
    folder: Path, context: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the app as a person does."""
    options = [f"-c{key}={value}" for key, value in (context or {}).items()]
    return subprocess.run(
        [sys.executable, "-m", "infra.app", *options],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def synthesised_once(
    shared: Path, name: str, context: Mapping[str, str] | None = None
) -> Synthesis:
    """The folder that the first test process makes, and the others wait for."""
    folder = shared / f"synthesis-{name}"
    with (shared / f"synthesis-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():
            done = synthesise(folder, context)
            assert done.returncode == 0, done.stdout + done.stderr
    return Synthesis(folder)
