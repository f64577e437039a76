"""openai-python: the asynchronous client."""

import asyncio

import pytest
from openai import AsyncOpenAI, NotFoundError

from tests.clients.models import Models
from tests.rig.server import LambdaServer
from tests.server import Server
from tests.upstreams.chat_replies import text

WORDS = [f"{number} " for number in range(12)]


async def test_a_response_is_created_retrieved_and_deleted(
    async_client: AsyncOpenAI, any_models: Models
) -> None:
    model = any_models.saying(text("Yes."))

    created = await async_client.responses.create(model=model, input="Is it?")
    kept = await async_client.responses.retrieve(created.id)
    await async_client.responses.delete(created.id)

    assert kept.to_dict() == created.to_dict()
    with pytest.raises(NotFoundError):
        await async_client.responses.retrieve(created.id)


async def test_a_stream_reaches_its_final_response(
    async_client: AsyncOpenAI, any_models: Models
) -> None:
    model = any_models.saying(text(*WORDS))

    async with async_client.responses.stream(model=model, input="Count!") as stream:
        pieces = [
            event.delta async for event in stream if event.type == "response.output_text.delta"
        ]
        final = await stream.get_final_response()

    assert pieces == WORDS
    assert final.output_text == "".join(WORDS)


async def test_a_stream_that_was_left_is_joined_again(
    async_client: AsyncOpenAI, models: Models
) -> None:
    model = models.saying(text(*WORDS).paced(0.02))
    async with await async_client.responses.create(
        model=model, input="Count!", stream=True
    ) as stream:
        first = await anext(stream)
    assert first.type == "response.created"

    rest = await async_client.responses.retrieve(
        first.response.id, stream=True, starting_after=first.sequence_number
    )
    numbers = [event.sequence_number async for event in rest]

    assert numbers == [*range(1, len(numbers) + 1)]
    kept = await async_client.responses.retrieve(first.response.id)
    assert kept.output_text == "".join(WORDS)


async def test_many_streams_at_once_do_not_mix(
    async_client: AsyncOpenAI, server: Server, models: Models
) -> None:
    model = models.saying()
    many = 8 if isinstance(server, LambdaServer) else 40  # there each takes a process of its own

    async def said(number: int) -> str:
        async with async_client.responses.stream(model=model, input=f"I am {number}.") as stream:
            return (await stream.get_final_response()).output_text

    answers = await asyncio.gather(*(said(number) for number in range(many)))

    assert answers == [f"You said: I am {number}." for number in range(many)]


async def test_the_pager_reads_all_input_items(async_client: AsyncOpenAI, models: Models) -> None:
    response = await async_client.responses.create(
        model=models.saying(),
        input=[{"role": "user", "content": str(number)} for number in range(5)],
    )

    items = [
        item
        async for item in async_client.responses.input_items.list(response.id, limit=2, order="asc")
    ]

    assert [item.to_dict()["content"] for item in items] == [
        [{"type": "input_text", "text": str(number)}] for number in range(5)
    ]
