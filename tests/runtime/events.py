"""Events as API Gateway makes them (REST API, proxy integration)."""

from tests.runtime.requests import JSON


def event(path: str = "/", *, method: str = "GET", **others: JSON) -> dict[str, JSON]:
    """A request to the stage `prod` of an API with the one resource `{proxy+}`."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "abc.execute-api.eu-central-1.amazonaws.com"},
        "multiValueHeaders": {"Host": ["abc.execute-api.eu-central-1.amazonaws.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "tests"},
        },
        "body": None,
        "isBase64Encoded": False,
        **others,
    }
