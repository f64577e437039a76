"""Rejoinder: the OpenAI Responses API as a stack you own."""

__version__ = "0.1.0"
