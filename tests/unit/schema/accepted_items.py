"""Every form of items and parts that is accepted beside the canonical one."""

from tests.unit.schema.canonical import PNG, Accepted, assistant, call, result, user
from tests.unit.schema.rows import item, part, saying

PDF = "data:application/pdf;base64,JVBERi0="

ITEMS = [
    Accepted(
        "a compaction",
        item(type="compaction", encrypted_content="x", id=None, created_by="me"),
        {"input": [{"id": "cmp", "type": "compaction", "encrypted_content": "x"}]},
    ),
    Accepted(
        "a trigger of compaction",
        {
            "model": "m",
            "input": [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}],
        },
        {"input": [user("Hi")], "is_compaction": True},
    ),
    Accepted(
        "an assistant's phase",
        item(role="assistant", content="Hm.", phase="commentary"),
        {"input": [assistant("Hm.", phase="commentary")]},
    ),
    Accepted(
        "nulls of a message",
        item(role="assistant", content="Hm.", phase=None, id=None, status=None),
        {"input": [assistant("Hm.")]},
    ),
    Accepted(
        "an empty id", item(role="user", content="Hello.", id=""), {"input": [user("Hello.")]}
    ),
    Accepted(
        "an unfinished message",
        item(role="assistant", content="Hm", status="incomplete"),
        {"input": [assistant("Hm", status="incomplete")]},
    ),
    Accepted(
        "an odd status",
        item(role="assistant", content="Hm", status={}),
        {"input": [assistant("Hm")]},
    ),
    Accepted(
        "an assistant's input_text",
        part("assistant", type="input_text", text="Hm."),
        {"input": [assistant("Hm.")]},
    ),
    Accepted(
        "an assistant's text without lists",
        part("assistant", type="output_text", text="Hm.", annotations=None),
        {"input": [assistant("Hm.")]},
    ),
    Accepted(
        "a refusal",
        part("assistant", type="refusal", refusal="No.", more=1),
        {"input": [user({"type": "refusal", "refusal": "No."}) | {"role": "assistant"}]},
    ),
    Accepted(
        "an image by URL",
        part(type="input_image", image_url="HTTPS://example.com/a.png", file_id=None),
        {
            "input": [
                user(
                    {
                        "type": "input_image",
                        "image_url": "HTTPS://example.com/a.png",
                        "detail": "auto",
                    }
                )
            ]
        },
    ),
    Accepted(
        "an image in place",
        part(type="input_image", image_url=PNG, detail="original"),
        {"input": [user({"type": "input_image", "image_url": PNG, "detail": "original"})]},
    ),
    Accepted(
        "a file in place",
        part(type="input_file", filename="a.pdf", file_data=PDF, detail="high"),
        {"input": [user({"type": "input_file", "filename": "a.pdf", "file_data": PDF})]},
    ),
    Accepted(
        "a file in bare base64",
        part(type="input_file", filename="a.pdf", file_data="JVBERi0="),
        {"input": [user({"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0="})]},
    ),
    Accepted(
        "a file by URL",
        part(type="input_file", file_url="https://example.com/a.pdf"),
        {"input": [user({"type": "input_file", "file_url": "https://example.com/a.pdf"})]},
    ),
    Accepted(
        "a text with a cache mark",
        part(type="input_text", text="Hi.", prompt_cache_breakpoint={}),
        {"input": [user("Hi.")]},
    ),
    Accepted("a message without parts", item(role="user", content=[]), {"input": [user()]}),
    Accepted(
        "a call with a caller",
        item(**call("fc_1"), caller={"type": "direct"}),
        {"input": [call("fc_1")]},
    ),
    Accepted(
        "a custom call in a namespace",
        item(type="custom_tool_call", call_id="c", name="exec", input="", namespace="functions"),
        {
            "input": [
                {
                    "id": "ctc",
                    "type": "custom_tool_call",
                    "status": "completed",
                    "call_id": "c",
                    "input": "",
                    "name": "exec",
                    "namespace": "functions",
                }
            ]
        },
    ),
    Accepted("a result of no parts", item(**result([], "fco_1")), {"input": [result([], "fco_1")]}),
    Accepted(
        "a raw chain of thought",
        item(
            type="reasoning",
            id="rs_1",
            status="completed",
            content=[{"type": "reasoning_text", "text": "Hm."}],
            summary=[{"type": "summary_text", "text": "Thought.", "more": 1}],
        ),
        {
            "input": [
                {
                    "id": "rs_1",
                    "type": "reasoning",
                    "summary": [{"type": "summary_text", "text": "Thought."}],
                    "content": [{"type": "reasoning_text", "text": "Hm."}],
                }
            ]
        },
    ),
    Accepted(
        "reasoning of nothing",
        item(type="reasoning", summary=None, content=[]),
        {"input": [{"id": "rs", "type": "reasoning", "summary": []}]},
    ),
    Accepted(
        "receipts of hosted tools",
        saying(
            input=[
                {"type": "web_search_call", "id": "ws_1"},
                {"type": "mcp_call"},
                {"role": "user", "content": "Hello."},
                {"type": "tool_search_output", "tools": []},
            ]
        ),
        {"input": [user("Hello.")]},
    ),
    Accepted(
        "a reference twice, the last stands",
        saying(input=[{"id": "a"}, {"id": "b"}, {"id": "a"}]),
        {"input": [{"id": "b", "type": "item_reference"}, {"id": "a", "type": "item_reference"}]},
    ),
    Accepted(
        "a reference to an item that is there",
        saying(input=[{"id": "a"}, {"id": "a", "role": "user", "content": "Hi."}, {"id": "a"}]),
        {"input": [user("Hi.", id="a")]},
    ),
    Accepted(
        "a reference with nulls",
        item(id="a", type=None, status=None),
        {"input": [{"id": "a", "type": "item_reference"}]},
    ),
]
