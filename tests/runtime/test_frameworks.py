"""Applications of frameworks run as they are."""

import json

from tests.runtime.api import RuntimeApi
from tests.runtime.conftest import Start
from tests.runtime.events import event

QUERY = {"a": ["1", "2"], "b": ["ä"]}


def test_starlette_finds_path_query_body_state_and_its_own_address(
    api: RuntimeApi, start: Start
) -> None:
    start("starlettes.app")
    asked = event("/things/1", method="POST", body="hello", multiValueQueryStringParameters=QUERY)

    request = api.invoke(asked).wait()

    assert request.prelude["statusCode"] == 200
    assert json.loads(request.content) == {
        "id": "1",
        "query": [["a", "1"], ["a", "2"], ["b", "ä"]],
        "body": "hello",
        "link": "https://abc.execute-api.eu-central-1.amazonaws.com/prod/things/7",
        "pool": "open",
    }


def test_starlette_stops_when_lambda_stops_reading(api: RuntimeApi, start: Start) -> None:
    function = start("starlettes.app")

    api.invoke(event("/streamed"), cuts_after=b"more").wait()
    api.wait_until_idle()

    assert [line["message"] for line in function.log_lines] == ["answer_refused"]
