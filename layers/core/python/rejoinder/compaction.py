"""POST /v1/responses/compact: a conversation folded on demand (contract §7)."""

from dataclasses import dataclass
from time import time

from rejoinder.compacting import check_compactable
from rejoinder.folding import Foreign, folded, is_rule
from rejoinder.providers.base import Compactor
from rejoinder.providers.deferred import loaded
from rejoinder.schema import items as schema
from rejoinder.schema.ids import new_id
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import CompactedResponse, Usage
from rejoinder.turns import Begun, Turns


@dataclass(frozen=True, slots=True)
class Compaction:
    """Folds conversations; nothing of it is kept."""

    turns: Turns

    async def compact(self, tenant: str, request: CreateResponse) -> CompactedResponse:
        """The window that takes the conversation's place: rules, what users said, and the fold.

        Raises:
            GatewayError: as for making a response.
        """
        begun = await self.turns.begin(tenant, request, new_id("resp"))
        check_compactable(begun.draft.items)
        fold, usage = await self._natively(begun) or await self.turns.fold(
            begun.stored, begun.draft.items, [], is_whole=False
        )
        said = [each for each in begun.draft.items if is_rule(each) or _is_users(each)]
        item = folded(self.turns.sealer, tenant, fold)
        return CompactedResponse(
            id=new_id("resp"), created_at=int(time()), output=[*said, item], usage=usage
        )

    async def _natively(self, begun: Begun) -> tuple[Foreign, Usage] | None:
        """By the service of the model's maker, if it does that."""
        route = begun.attempts.route
        compactor = loaded(route.provider)
        if not isinstance(compactor, Compactor):
            return None
        made = await compactor.compact(begun.attempts.turn)
        return None if made is None else (Foreign(route.dialect, made.content), made.usage)


def _is_users(item: schema.Item) -> bool:
    return item["type"] == "message" and item["role"] == "user"
