"""How the tests of many dialects ask: by hand, so that nothing that is on the wire is lost."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

type JSON = Any


@dataclass(frozen=True, slots=True)
class Door:
    """A tenant at the server's door."""

    http: httpx.Client
    key: str

    def post(self, model: str, given: JSON = "Hello!", **fields: JSON) -> httpx.Response:
        """The answer, whatever it is."""
        body = {"model": model, "input": given} | fields
        headers = {"authorization": f"Bearer {self.key}"}
        return self.http.post("/responses", json=body, headers=headers)

    def create(self, model: str, given: JSON = "Hello!", **fields: JSON) -> JSON:
        """The response in one piece."""
        answer = self.post(model, given, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def stream(self, model: str, given: JSON = "Hello!", **fields: JSON) -> list[JSON]:
        """The events of a stream that ends as it must."""
        answer = self.post(model, given, stream=True, **fields)
        assert answer.status_code == 200, answer.text
        *frames, done, nothing = answer.text.split("\n\n")
        assert (done, nothing) == ("data: [DONE]", "")
        events = [json.loads(f.partition("\ndata: ")[2]) for f in frames if f.startswith("event:")]
        assert [event["sequence_number"] for event in events] == [*range(len(events))]
        return events

    def refused(self, model: str, given: JSON = "Hello!", **fields: JSON) -> tuple[int, JSON]:
        """Status and error of a request that fails."""
        answer = self.post(model, given, **fields)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]
