"""Anthropic's Messages API. Contract §9.2."""
