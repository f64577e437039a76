"""A stock Python runtime for the rig's managed functions: next → handler → response, buffered.

It does what awslambdaric and its bootstrap do, as far as our handlers can see it; standard library
only, for it runs in the function's process. `python stock.py OPT`, where OPT stands for /opt.
"""

import http.client
import importlib
import io
import json
import os
import sys
import time
import traceback
from typing import Any

type JSON = Any

INVOCATION = "/2018-06-01/runtime/invocation"
INIT_ERROR = "/2018-06-01/runtime/init/error"


class LambdaContext:
    """What a handler gets beside its event; the attributes that AWS documents."""

    def __init__(self, headers: http.client.HTTPMessage) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.tenant_id = headers["Lambda-Runtime-Aws-Tenant-Id"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Until the process is killed."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)


class Api:
    """The Runtime API, over one connection."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def next(self) -> tuple[http.client.HTTPMessage, bytes]:
        """Wait for the next invocation."""
        self._connection.request("GET", f"{INVOCATION}/next")
        reply = self._connection.getresponse()
        return reply.headers, reply.read()

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Tell a result."""
        self._connection.request("POST", path, body, headers)
        self._connection.getresponse().read()

    def fail(self, path: str, error: BaseException, headers: dict[str, str]) -> None:
        """Tell an error."""
        told = {
            "errorMessage": str(error),
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
        sys.stdout.write("[ERROR] " + "".join(traceback.format_exception(error)))
        error_type = {"Lambda-Runtime-Function-Error-Type": f"Runtime.{told['errorType']}"}
        self.post(path, json.dumps(told).encode(), headers | error_type)


def main(opt: str) -> None:
    """Run for ever: a failing handler is told, a failing import ends the process."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:1] = [os.environ["LAMBDA_TASK_ROOT"], f"{opt}/python/lib/{version}/site-packages"]
    sys.path.insert(2, f"{opt}/python")
    api = Api()
    try:
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except BaseException as error:
        api.fail(INIT_ERROR, error, {})
        sys.exit(1)
    while True:
        headers, event = api.next()
        path = f"{INVOCATION}/{headers['Lambda-Runtime-Aws-Request-Id']}"
        echo = {"Lambda-Runtime-Invocation-Id": headers["Lambda-Runtime-Invocation-Id"]}
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
        try:
            result = json.dumps(handler(json.loads(event), LambdaContext(headers)))
        except Exception as error:  # whatever it is, it is the handler's
            api.fail(f"{path}/error", error, echo)
        else:
            json_type = {"Content-Type": "application/json"}
            api.post(f"{path}/response", result.encode(), echo | json_type)


if __name__ == "__main__":
    main(sys.argv[1])
