"""What the stores' tests share."""

from tests.storage.moto_server import aws, moto_endpoint

__all__ = ["aws", "moto_endpoint"]
