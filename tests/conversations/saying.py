"""What is said in conversations, in few words."""

from typing import Any

from openai import OpenAI

type JSON = Any


def user(text: str, **more: JSON) -> JSON:
    """A user's message, as clients send it."""
    return {"role": "user", "content": text, **more}


def begun(client: OpenAI, *texts: str) -> str:
    """A new conversation in which a user has said something."""
    return client.conversations.create(items=[user(text) for text in texts]).id


def said(client: OpenAI, conversation_id: str) -> list[str]:
    """The texts of all messages, oldest first; of other items, their types."""
    items = client.conversations.items.list(conversation_id, order="asc")
    return [_text(item.to_dict()) for item in items]


def _text(item: JSON) -> str:
    if item["type"] == "message":
        return "".join(part["text"] for part in item["content"])
    return str(item["type"])
