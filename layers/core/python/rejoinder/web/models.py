"""The endpoints of models (contract §7): every id that is listed can be sent as it is."""

from rejoinder.errors import NotFound
from rejoinder.providers.registry import ModelCard
from rejoinder.schema.items import JSON
from rejoinder.web.calls import Answer, Call
from rejoinder.web.messages import Json


async def list_models(call: Call) -> Answer:
    """GET /v1/models."""
    cards = [_shown(card) for card in call.gateway.registry.models()]
    return Json({"object": "list", "data": cards})


async def retrieve_model(call: Call) -> Answer:
    """GET /v1/models/{model}; the name may hold slashes, colons and dots."""
    name = call.http.path_params["model"]
    card = call.gateway.registry.card(name)
    if card is None:
        raise NotFound(
            f"The model {name[:256]!r} is not served here; GET /v1/models lists all.",
            code="model_not_found",
            param="model",
        )
    return Json(_shown(card))


def _shown(card: ModelCard) -> JSON:
    shown: dict[str, JSON] = {
        "id": card.id,
        "object": "model",
        "created": card.learnt_at,
        "owned_by": card.owned_by,
    }
    if card.context_window_tokens is not None:
        shown["context_window"] = card.context_window_tokens
    return shown
