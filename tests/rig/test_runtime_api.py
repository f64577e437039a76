"""What a runtime does against the protocol is refused as AWS's emulator refuses it."""

import httpx
import pytest

from tests.rig.small import Small

OBEYS = """
    import json
    from raw import PRELUDE

    def main(api):
        request_id, event = api.next()
        refusal = misbehave(api, request_id)
        stream = api.stream(request_id)
        stream.send(PRELUDE + f"{refusal.status} {json.loads(refusal.body)['errorType']}".encode())
        stream.end()
        api.next()

    def misbehave(api, request_id):
"""


@pytest.mark.parametrize(
    ("misdeed", "refusal"),
    [
        ("return api.ask('POST', '/invocation/another/response')", "400 InvalidRequestID"),
        ("return api.ask('GET', '/invocation/next')", "403 InvalidStateTransition"),
        ("return api.ask('POST', '/init/error')", "403 InvalidStateTransition"),
        ("return api.ask('GET', '/invocation/last')", "404 NotFound"),
        (
            "return api.ask('POST', f'/invocation/{request_id}/response', "
            "Lambda_Runtime_Function_Response_Mode='buffered')",
            "400 InvalidFunctionResponseMode",
        ),
        (
            "return api.ask('POST', f'/invocation/{request_id}/response', "
            "Lambda_Runtime_Function_Response_Mode='streaming')",
            "400 InvalidStreaming",
        ),
        (
            "return api.ask('POST', f'/invocation/{request_id}/response', "
            "Lambda_Runtime_Invocation_Id='another')",
            "400 InvalidInvocationID",
        ),
    ],
)
async def test_a_request_out_of_turn_is_refused_and_noted(
    small: Small, http: httpx.AsyncClient, misdeed: str, refusal: str
) -> None:
    small.raw("rude", f"{OBEYS}        {misdeed}\n")
    await small.start()

    reply = await http.get(small.url("rude"))

    assert reply.text == refusal
    assert len(small.fleet("rude").violations) == 1


async def test_a_second_answer_is_refused(small: Small, http: httpx.AsyncClient) -> None:
    small.raw(
        "twice",
        """
        from raw import PRELUDE

        def main(api):
            while True:
                request_id, event = api.next()
                stream = api.stream(request_id)
                stream.send(PRELUDE + b"once")
                stream.end()
                api.ask("POST", f"/invocation/{request_id}/error", b"{}")
        """,
    )
    await small.start()

    replies = [(await http.get(small.url("twice"))).text for _ in range(2)]
    await small.is_idle("twice")

    assert replies == ["once", "once"]
    assert all("InvalidStateTransition" in each for each in small.fleet("twice").violations)


async def test_a_buffered_answer_has_at_most_6_mb(small: Small, http: httpx.AsyncClient) -> None:
    code = """
        def handle(event, context):
            return {"statusCode": 200, "body": "x" * int(event["queryStringParameters"]["size"])}
    """
    small.buffered("large", code)
    await small.start()

    fits = await http.get(small.url("large"), params={"size": 6_000_000})
    exceeds = await http.get(small.url("large"), params={"size": 6_300_000})

    assert (fits.status_code, len(fits.text)) == (200, 6_000_000)
    assert exceeds.status_code == 502
    assert "RequestEntityTooLarge" in small.fleet("large").violations[0]


async def test_a_mid_stream_error_needs_its_trailers_declared(
    small: Small, http: httpx.AsyncClient
) -> None:
    small.raw(
        "undeclared",
        """
        from raw import PRELUDE

        def main(api):
            request_id, event = api.next()
            stream = api.stream(request_id)
            stream.send(PRELUDE + b"all")
            stream.end(Lambda_Runtime_Function_Error_Type="Runtime.Oops")
            api.next()
        """,
    )
    await small.start()

    reply = await http.get(small.url("undeclared"))

    assert reply.text == "all"
    assert "undeclared trailers" in small.fleet("undeclared").violations[0]
