"""Between invocations nothing moves."""

import asyncio

import httpx

from tests.rig.small import Small

LEAVES_A_TASK = """
    import asyncio, os
    from pathlib import Path

    TICKS = Path(os.environ["FOLDER"], "ticks")
    LEFT = []

    async def tick():
        while True:
            await asyncio.sleep(0.005)
            with TICKS.open("a") as file:
                file.write(".")

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        if not LEFT:
            LEFT.append(asyncio.create_task(tick()))
        if b"slowly" in scope["query_string"]:
            before = TICKS.stat().st_size
            while TICKS.stat().st_size < before + 3:
                await asyncio.sleep(0.005)
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""


async def test_a_task_that_was_left_running_goes_on_in_the_next_request(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.asgi("leaves", LEAVES_A_TASK)
    await small.start()
    first = await http.get(small.url("leaves"))
    await small.is_idle("leaves")

    before = small.read("ticks")
    await asyncio.sleep(0.1)
    meanwhile = small.read("ticks")
    second = await http.get(small.url("leaves"), params={"how": "slowly"})

    assert meanwhile == before
    assert len(small.read("ticks")) >= len(meanwhile) + 3
    assert second.text == first.text  # the same process


async def test_children_of_a_function_stand_still_as_well(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.buffered(
        "parent",
        """
        import os, subprocess

        LOOP = 'while :; do printf . >> "$FOLDER/ticks"; sleep 0.01; done'
        subprocess.Popen(["/bin/sh", "-c", LOOP])

        def handle(event, context):
            return {"statusCode": 200, "body": "started"}
        """,
    )
    await small.start()
    await http.get(small.url("parent"))
    await small.is_idle("parent")

    before = small.read("ticks")
    await asyncio.sleep(0.1)

    assert small.read("ticks") == before
