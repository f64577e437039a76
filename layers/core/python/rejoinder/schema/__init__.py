"""The API as types: what clients send (pydantic) and what we send (msgspec)."""
