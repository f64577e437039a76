"""openai-python: the list of models."""

import pytest
from openai import NotFoundError, OpenAI

from tests.clients.models import Models


def test_the_demo_is_listed(client: OpenAI) -> None:
    models = list(client.models.list())

    [demo] = [model for model in models if model.id == "demo"]
    assert (demo.object, demo.owned_by) == ("model", "demo")


def test_a_model_can_be_retrieved(client: OpenAI) -> None:
    model = client.models.retrieve("demo")

    assert (model.id, model.object) == ("demo", "model")


def test_a_model_whose_name_has_slashes_can_be_retrieved(client: OpenAI, models: Models) -> None:
    name = models.saying(family="org/model:v2.0")

    model = client.models.retrieve(name)

    assert (model.id, model.owned_by) == (name, "scripted")


def test_a_model_that_nobody_serves_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError) as raised:
        client.models.retrieve("nobody/knows")

    assert raised.value.code == "model_not_found"
