"""What compaction items hold, and what becomes of it."""

from typing import Any

import pytest

from rejoinder.compaction.sealed import (
    Digest,
    VendorDigest,
    expanded,
    seal_digest,
    vendor_secrets,
)
from rejoinder.errors import InvalidRequest
from rejoinder.schema.items import Item, is_rule, user_message
from rejoinder.sealing import Sealer, Secret
from rejoinder.truncation import parted, shortened

type JSON = Any

SEALER = Sealer(bytes(32))
RULE: JSON = user_message("Be brief.") | {"role": "developer"}
QUESTION: JSON = user_message("Well?")
DIGEST = Digest("m", "They met.")


def opened(*items: JSON, tenant: str = "me", places: JSON = None) -> list[Item]:
    return expanded(SEALER, tenant, [*items], places or {})


def texts(items: list[Item]) -> list[str]:
    told: JSON = items
    return [item["content"][0]["text"] for item in told]


def test_a_digest_becomes_a_summary_and_its_tail() -> None:
    compaction = seal_digest(SEALER, "me", Digest("m", "They met.", [QUESTION]))

    items = opened(RULE, user_message("Hello."), compaction)

    assert texts(items)[0:2] == ["Be brief.", "Hello."]
    assert "They met." in texts(items)[2]
    assert items[3] == QUESTION
    assert items[2]["type"] == "message"
    assert items[2]["role"] == "developer"


def test_a_whole_digest_stands_for_all_but_the_rules() -> None:
    first = seal_digest(SEALER, "me", DIGEST)
    second = seal_digest(SEALER, "me", Digest("m", "They parted.", is_whole=True))

    items = opened(RULE, user_message("Hello."), first, QUESTION, second, QUESTION)

    assert [is_rule(item) for item in items] == [True, False, False]
    assert "They parted." in texts(items)[1]


def test_what_a_vendors_service_made_stays_for_that_service() -> None:
    compaction = seal_digest(SEALER, "me", VendorDigest("openai", {"n": 1}))

    items = opened(compaction, QUESTION)

    assert items == [compaction, QUESTION]
    assert vendor_secrets(SEALER, "me", items, "openai") == {compaction["id"]: {"n": 1}}
    with pytest.raises(InvalidRequest):
        vendor_secrets(SEALER, "me", items, "anthropic")


@pytest.mark.parametrize(
    "secret",
    [
        Secret("openai", {"id": "rs_1", "encrypted_content": "x"}),
        Secret("rejoinder", {"model": "m"}),
        Secret("rejoinder", "x"),
    ],
)
def test_other_secrets_are_no_digests(secret: Secret) -> None:
    item = {"id": "a", "type": "compaction", "encrypted_content": SEALER.seal("me", secret)}

    with pytest.raises(InvalidRequest) as refused:
        opened(item, places={"a": "input[4]"})

    assert refused.value.param == "input[4].encrypted_content"


def test_a_digest_opens_for_its_tenant_only() -> None:
    with pytest.raises(InvalidRequest):
        opened(seal_digest(SEALER, "me", DIGEST), tenant="you")


def test_a_shortened_conversation_keeps_what_was_compacted() -> None:
    native = seal_digest(SEALER, "me", VendorDigest("openai", {}))
    items = opened(seal_digest(SEALER, "me", DIGEST), native, *[user_message("x" * 99)] * 9)

    fewer = shortened(items)

    assert fewer is not None
    assert fewer[:2] == items[:2]
    assert len(fewer) < len(items)


def test_a_call_is_not_parted_from_an_output_that_came_late() -> None:
    call: JSON = {"id": "fc", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
    output: JSON = {"id": "fco", "type": "function_call_output", "call_id": "c", "output": ""}
    spoken: JSON = user_message("Hello.")

    rules, older, latest = parted([RULE, spoken, call, QUESTION, output])

    assert rules == [RULE]
    assert older == [spoken]
    assert latest == [call, QUESTION, output]
