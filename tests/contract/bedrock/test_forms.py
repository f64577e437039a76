"""Answers in a wanted form, and images and documents, over the scripted Bedrock."""

import base64
import json

import pytest

from rejoinder.schema.items import JSON
from tests.contract.bedrock.door import CLAUDE, LLAMA, NOVA, OSS, WEATHER, Door, calls_of, said
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import call, calls, text, thinking

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nmore").decode()
PDF = base64.b64encode(b"%PDF-1.7").decode()
FORM: JSON = {
    "type": "json_schema",
    "name": "reading",
    "schema": {
        "type": "object",
        "properties": {"degrees": {"type": "integer", "minimum": -90}},
        "required": ["degrees"],
        "additionalProperties": False,
    },
}
ANSWER = calls(call("give_answer", '{"deg', 'rees": 21}', id="tooluse_a"))


def image(url: str) -> JSON:
    return [
        {"role": "user", "content": [{"type": "input_image", "image_url": url}]},
    ]


def file(name: str, data: str) -> JSON:
    return {"type": "input_file", "filename": name, "file_data": data}


async def test_a_model_that_can_is_given_the_schema(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(CLAUDE, text('{"degrees": 21}'))

    response = await asked.create(CLAUDE, text={"format": FORM})

    wanted = bedrock.last["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert wanted["name"] == "reading"
    assert "minimum" not in json.loads(wanted["schema"])["properties"]["degrees"]
    assert json.loads(said(response)) == {"degrees": 21}


async def test_another_answers_by_a_hidden_tool_that_nobody_sees(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(NOVA, ANSWER)

    told = await asked.stream(NOVA, text={"format": FORM})
    whole = await asked.create(NOVA, text={"format": FORM})

    assert bedrock.last["toolConfig"]["toolChoice"] == {"any": {}}
    assert told.deltas("output_text") == ['{"deg', 'rees": 21}']
    for response in (told.response, whole):
        assert json.loads(said(response)) == {"degrees": 21}
        assert [item["type"] for item in response["output"]] == ["message"]


async def test_the_hidden_tool_leaves_room_for_real_ones(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(NOVA, calls(call("get_weather", "{}", id="tooluse_b")), ANSWER)

    first = await asked.create(NOVA, tools=[WEATHER], text={"format": FORM})

    assert [each["name"] for each in calls_of(first)] == ["get_weather"]


async def test_a_model_that_cannot_be_forced_is_told_of_the_hidden_tool_in_words(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(LLAMA, ANSWER)

    response = await asked.create(LLAMA, text={"format": FORM})

    assert "give_answer" in bedrock.last["system"][-1]["text"]
    assert json.loads(said(response)) == {"degrees": 21}


async def test_thinking_and_a_form_go_together_where_both_are_native(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, thinking("Hm.") + text('{"degrees": 21}'))

    await asked.create(CLAUDE, text={"format": FORM}, reasoning={"effort": "high"})

    assert bedrock.last["additionalModelRequestFields"]["thinking"]["type"] == "enabled"


async def test_a_schema_that_cannot_be_enforced_is_left_to_the_hidden_tool(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(CLAUDE, ANSWER)
    form = FORM | {"schema": {"type": "object", "additionalProperties": {"type": "integer"}}}

    response = await asked.create(CLAUDE, text={"format": form})

    assert "outputConfig" not in bedrock.last
    assert json.loads(said(response)) == {"degrees": 21}


async def test_a_wish_for_any_json_is_a_rule(bedrock: BedrockUpstream, asked: Door) -> None:
    await asked.create(OSS, "json please", text={"format": {"type": "json_object"}})

    assert "JSON" in bedrock.last["system"][0]["text"]


async def test_system_items_lead_or_become_notes(bedrock: BedrockUpstream, asked: Door) -> None:
    await asked.create(
        LLAMA,
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": "Hello."},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "   "},
            {"role": "assistant", "content": "Yes?  "},
        ],
        instructions="Be true.",
    )

    assert [block["text"] for block in bedrock.last["system"]] == ["Be true.", "Be brief."]
    roles = [message["role"] for message in bedrock.last["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


async def test_images_are_bytes_of_the_right_format(bedrock: BedrockUpstream, asked: Door) -> None:
    await asked.create(CLAUDE, image(f"data:image/png;base64,{PNG}"))

    block = bedrock.last["messages"][0]["content"][0]
    assert block == {"image": {"format": "png", "source": {"bytes": PNG}}}


async def test_documents_have_names_that_bedrock_takes_and_a_text_beside_them(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    names = ["Q3_report.v2.pdf", "Q3 report v2.pdf", "日本.md", "notes.py"]
    parts = [file(name, PDF) for name in names]

    await asked.create(NOVA, [{"role": "user", "content": parts}])

    *documents, beside = bedrock.last["messages"][0]["content"]
    told = [(each["document"]["name"], each["document"]["format"]) for each in documents]
    assert told == [
        ("Q3 report v2", "pdf"),
        ("Q3 report v2 (2)", "pdf"),
        ("document", "md"),
        ("notes", "txt"),
    ]
    assert beside["text"].strip()


async def test_results_carry_images_and_documents(bedrock: BedrockUpstream, asked: Door) -> None:
    output = [
        {"type": "input_text", "text": "Here:"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        file("a.pdf", PDF),
    ]
    history: JSON = [
        {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": output},
    ]

    await asked.create(CLAUDE, history)

    (result,) = [b for b in bedrock.last["messages"][-1]["content"] if "toolResult" in b]
    kinds = [next(iter(block)) for block in result["toolResult"]["content"]]
    assert kinds == ["text", "image", "document"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([file("a.zip", PDF)], "unsupported_value"),
        (
            [{"type": "input_image", "image_url": "https://127.0.0.1/a.png"}],
            "failed_to_download_image",
        ),
        ([{"type": "input_image", "image_url": "https://[::1]/a.png"}], "failed_to_download_image"),
        (
            [{"type": "input_image", "image_url": "https://169.254.169.254/"}],
            "failed_to_download_image",
        ),
    ],
)
async def test_what_cannot_be_carried_is_refused_before_anybody_is_asked(
    bedrock: BedrockUpstream, asked: Door, given: JSON, code: str
) -> None:
    status, error = await asked.refused(CLAUDE, [{"role": "user", "content": given}])

    assert (status, error["code"]) == (400, code)
    assert bedrock.requests == []
