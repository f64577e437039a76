"""What is particular about OpenAI's models, and about servers that speak its Responses API.

Parameters that a model does not take (`temperature` for one that reasons) are not among it: OpenAI
says so itself, and its words are relayed. Only what we ask for unasked has to be known.
"""

from collections.abc import Mapping

from rejoinder.providers.base import ModelFacts
from rejoinder.schema.items import JSON

OPENAI = ModelFacts(
    knows_developer_role=True,
    knows_allowed_tools=True,
    encrypts_reasoning=True,
    enforces_schemas="all",
)

_PLAIN = {"encrypts_reasoning": False}  # to ask these for encrypted thinking is an error
PLAIN_MODELS: Mapping[str, Mapping[str, JSON]] = {
    "gpt-3.5*": _PLAIN,
    "gpt-4*": _PLAIN,
    "gpt-5-chat*": _PLAIN,
    "chatgpt-*": _PLAIN,
    "ft:gpt-3.5*": _PLAIN,
    "ft:gpt-4*": _PLAIN,
}
