"""Events as AWS makes them, letter by letter, and what it says of an invocation."""

import json
from dataclasses import dataclass
from typing import Any

type JSON = Any

PLENTY_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Context:
    """The context object of a handler, in the part that we look at."""

    left_seconds: float = PLENTY_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_seconds * 1000)


def request(method: str, path: str, key: str = "", **others: JSON) -> JSON:
    """A request as a REST API passes it on (proxy integration, payload version 1.0)."""
    headers = {
        "Accept": "*/*",
        "Authorization": f"Bearer {key}",
        "Host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
        "User-Agent": "OpenAI/Python 3.54.0",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": path,
            "httpMethod": method,
            "extendedRequestId": "UQ_ABCDEFGHIJ=",
            "requestTime": "22/Nov/2026:04:28:56 +0000",
            "path": f"/prod{path}",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1795321736000,
            "requestId": "1f7c1a2e-6f5d-4a0e-9d4c-0a7b5e3c9d11",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "OpenAI/Python 3.54.0"},
            "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
            "apiId": "a1b2c3d4e5",
        },
        "body": None,
        "isBase64Encoded": False,
        **others,
    }


def messages(*received: JSON) -> JSON:
    """Messages of a queue, as its event source mapping hands them to a function."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {
                    "ApproximateReceiveCount": message["Attributes"]["ApproximateReceiveCount"],
                    "SentTimestamp": "1795321736000",
                    "SenderId": "AROAEXAMPLE:rejoinder-stream",
                    "ApproximateFirstReceiveTimestamp": "1795321736001",
                },
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:jobs",
                "awsRegion": "us-east-1",
            }
            for message in received
        ]
    }


def told(answer: JSON) -> JSON:
    """The JSON in a buffered answer."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])
