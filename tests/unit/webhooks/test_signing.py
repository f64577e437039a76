from base64 import b64encode
from time import time

import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from rejoinder.schema.response import Response
from rejoinder.webhooks import body_of, outcome_event, signed_headers

SECRETS = {
    "standard": f"whsec_{b64encode(b'a secret of 24 bytes, ok').decode()}",
    "plain": "just some words",
}
DONE = Response(id="resp_1", created_at=10, completed_at=12, status="completed", model="m")


def client(secret: str) -> OpenAI:
    return OpenAI(api_key="unused", webhook_secret=secret)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_the_official_sdk_verifies_and_unwraps_what_is_sent(secret: str) -> None:
    body = body_of(outcome_event(DONE))
    headers = signed_headers(secret, "evt_1", int(time()), body)

    event = client(secret).webhooks.unwrap(body.decode(), headers)

    assert event.type == "response.completed"
    assert event.data.id == "resp_1"
    assert event.created_at == 12


def test_a_changed_body_is_not_verified() -> None:
    secret = SECRETS["standard"]
    body = body_of(outcome_event(DONE))
    headers = signed_headers(secret, "evt_1", int(time()), body)

    with pytest.raises(InvalidWebhookSignatureError):
        client(secret).webhooks.unwrap(body.decode().replace("resp_1", "resp_2"), headers)


def test_another_secret_does_not_verify() -> None:
    body = body_of(outcome_event(DONE))
    headers = signed_headers("one", "evt_1", int(time()), body)

    with pytest.raises(InvalidWebhookSignatureError):
        client("two").webhooks.unwrap(body.decode(), headers)


def test_an_outcome_told_twice_has_the_same_id() -> None:
    assert outcome_event(DONE) == outcome_event(DONE)
