"""The shapes of Converse, from botocore's model of the service: what is checked before all else."""

import base64
import binascii
import functools
import re
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

type JSON = Any

_DOUBTFUL = ("ConversationalModelId",)  # its pattern is a union of which Python's `re` is no judge


class WrongShape(Exception):
    """What AWS would call malformed."""


@functools.cache
def service() -> ServiceModel:
    """Botocore's model of bedrock-runtime."""
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def checked(operation: str, body: JSON, model_id: str) -> JSON:
    """The parameters in a body, with bytes for base64.

    Raises:
        WrongShape: if they do not fit.
    """
    shape = service().operation_model(operation).input_shape
    assert shape is not None
    given = _read({**body, "modelId": model_id}, shape, "")
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise WrongShape(report.generate_report())
    return given


def _read(value: JSON, shape: Shape, at: str) -> JSON:
    if isinstance(shape, StructureShape):
        return _structure(value, shape, at)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_read(each, shape.member, f"{at}[{i}]") for i, each in enumerate(value)]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _read(each, shape.value, f"{at}.{key}") for key, each in value.items()}
    if shape.type_name == "blob":
        return _bytes(value, at)
    if isinstance(shape, StringShape):
        _check_text(value, shape, at)
    return value


def _structure(value: JSON, shape: StructureShape, at: str) -> JSON:
    if getattr(shape, "is_document_type", False) or not isinstance(value, dict):
        return value
    for key in value:
        if key not in shape.members:
            raise WrongShape(f"#{at}/{key}: extraneous key [{key}] is not permitted")
    return {key: _read(each, shape.members[key], f"{at}/{key}") for key, each in value.items()}


def _bytes(value: JSON, at: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error) as error:
        raise WrongShape(f"{at}: not base64") from error


def _check_text(value: JSON, shape: StringShape, at: str) -> None:
    if not isinstance(value, str):
        raise WrongShape(f"{at}: not a string")
    if shape.enum and value not in shape.enum:
        raise WrongShape(f"{at}: {value!r} is not one of {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and shape.name not in _DOUBTFUL and not re.fullmatch(pattern, value):
        raise WrongShape(f"{at}: {value!r} does not match {pattern}")
    if len(value) > shape.metadata.get("max", len(value)):
        raise WrongShape(f"{at}: too long")
