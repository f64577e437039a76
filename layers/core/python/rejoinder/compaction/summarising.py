"""A conversation in a summary, by the model that is asked for (contract §7)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.pipeline import Deltas, exhaust, respond
from rejoinder.errors import Unavailable
from rejoinder.schema.items import Item, user_message
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Usage

INSTRUCTIONS = """\
You compact conversations. Your summary takes the place of the conversation for the assistant who
goes on with it and sees nothing else of it. Keep: what the user wants, in the user's own words
where they matter; what was decided, found out, done and not yet done; names, numbers, dates,
paths, code and the results of tools, exactly. Be dense. Do not answer the user, do not comment,
and begin with the summary itself."""
ORDER = "Summarise the whole conversation above, as you were instructed."


@dataclass(frozen=True, slots=True)
class Summary:
    """What a model made of a conversation, and what that cost."""

    model: str  # as the client names it
    text: str
    usage: Usage


type Summarise = Callable[[list[Item]], Awaitable[Summary]]
"""Asks the model of a request; raises `GatewayError` if it cannot be asked, or says nothing."""


def summary_request(request: CreateResponse) -> CreateResponse:
    """The request for a summary; of the client's own, what says who asks, and who pays."""
    return CreateResponse(
        model=request.model,
        instructions=INSTRUCTIONS,
        stream=True,  # a long silence breaks connections
        store=False,
        truncation="auto",
        user=request.user,
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
        prompt_cache_retention=request.prompt_cache_retention,
        service_tier=request.service_tier,
    )


def to_summarise(request: CreateResponse, items: list[Item]) -> list[Item]:
    """The conversation, with what its assistant was told before it and the order behind it."""
    told = user_message(f"The assistant's instructions were:\n\n{request.instructions}")
    return [*([told] if request.instructions else []), *items, user_message(ORDER)]


async def summarised(
    request: CreateResponse, assembler: ResponseAssembler, deltas: Deltas
) -> Summary:
    """What the model says of what it was given to summarise.

    Raises:
        GatewayError: if nobody answers, or nothing is said.
    """
    await exhaust(respond(assembler, deltas))
    if assembler.failure is not None:
        raise assembler.failure
    text = assembler.response.output_text.strip()
    if not text:
        raise Unavailable("The model gave no summary of the conversation; ask again.")
    return Summary(request.model, text, assembler.response.usage or Usage())
