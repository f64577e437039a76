"""The ASGI edge: HTTP in, answers out."""
