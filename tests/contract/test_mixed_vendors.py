"""One conversation of many vendors, each as strict as itself, each with its own secrets back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.models import Models
from tests.clients.tools import PIXEL, THINKING, WEATHER
from tests.contract.door import Door
from tests.dialects.dialect import Heard
from tests.upstreams.chat_replies import call, calls, failure, text, thinking

type JSON = Any

ROUTE = ("openai", "anthropic", "bedrock", "nova", "generic chat", "bedrock", "anthropic", "openai")
SECRET = "(redacted)"  # thinking that its vendor shows to nobody
INCLUDE = ["reasoning.encrypted_content"]


@dataclass
class Talk:
    """A conversation as a client has it: by the id of its last response, or whole, in its hands."""

    door: Door
    store: bool
    last: str | None = None
    items: list[JSON] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)  # what everybody must have been told

    def turn(self, model: str, given: list[JSON], *, is_streamed: bool = False) -> JSON:
        """The next response."""
        self.items += given
        options = {"tools": [WEATHER], "reasoning": THINKING, "store": self.store}
        if self.store:
            asked = {"given": given, "previous_response_id": self.last}
        else:
            asked = {"given": self.items, "include": INCLUDE}
        if is_streamed:
            response = self.door.stream(model, **asked, **options)[-1]["response"]
        else:
            response = self.door.create(model, **asked, **options)
        assert response["status"] == "completed", response
        self.last = response["id"]
        self.items += response["output"]
        return response


def question(city: str) -> list[JSON]:
    """What a user asks, with a picture."""
    parts = [
        {"type": "input_text", "text": f"Is this {city}?"},
        {"type": "input_image", "image_url": PIXEL},
    ]
    return [{"role": "user", "content": parts}]


def results(response: JSON) -> list[JSON]:
    """What the tools say."""
    return [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "Sun."}
        for item in response["output"]
        if item["type"] == "function_call"
    ]


def heard_of(city: str, answer: str) -> Iterator[Heard]:
    """A question, and all that it led to."""
    yield "user", f"Is this {city}?"
    yield "image", PIXEL
    yield "assistant", "Let me see."
    yield "call", f'get_weather {{"city":"{city}"}}'
    yield "call", 'get_weather {"city":"Oslo"}'
    yield "result", "Sun."
    yield "result", "Sun."
    yield "assistant", answer


def without_system(told: list[Heard]) -> list[Heard]:
    return [each for each in told if each[0] != "system"]


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("store", [True, False])
def test_each_vendor_gets_the_whole_conversation_and_its_own_thinking(
    at_door: Door, vendors: Mapping[str, Models], *, store: bool, is_streamed: bool
) -> None:
    talk = Talk(at_door, store)
    thought: dict[str, list[str]] = {name: [] for name in ROUTE}
    for number, name in enumerate(ROUTE):
        vendor, city = vendors[name], f"City {number}"
        before, after = f"Thought {number} of {name}.", f"{name} thought again, {number}."
        model = vendor.saying(
            thinking(before)
            + text("Let me ", "see.")
            + calls(
                call("get_weather", f'{{"city":"{city}"}}'), call("get_weather", '{"city":"Oslo"}')
            ),
            thinking(after) + text(f"{name} says ", "yes."),
            family="thinker",
        )

        first = talk.turn(model, question(city), is_streamed=is_streamed)
        assert vendor.thoughts(model) == thought[name]
        talk.turn(model, results(first), is_streamed=is_streamed)

        assert vendor.thoughts(model) == [*thought[name], before]
        told = [*talk.heard, *heard_of(city, "")][:-1]
        assert without_system(vendor.history(model)) == told
        thought[name] += [before, after]
        talk.heard += heard_of(city, f"{name} says yes.")


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("name", ["anthropic", "bedrock"])
def test_thinking_that_nobody_may_read_goes_back_as_it_came(
    at_door: Door, vendors: Mapping[str, Models], name: str, *, store: bool
) -> None:
    talk, vendor = Talk(at_door, store), vendors[name]
    model = vendor.saying(
        thinking(SECRET) + calls(call("get_weather", '{"city":"Oslo"}')), text("Sun.")
    )
    other = vendors["openai"].saying(text("Well."))

    talk.turn(model, results(talk.turn(model, question("Oslo"))))
    talk.turn(other, question("Rome"))
    talk.turn(model, question("Lima"))

    [secret] = vendor.thoughts(model)  # its maker has looked at it
    assert len(secret) > len(SECRET)
    assert vendors["openai"].thoughts(other) == []


FALLS = {
    "openai": ("gpt-5-falls", "anthropic", "claude-sonnet-4-5-caught"),
    "anthropic": ("claude-sonnet-4-5-falls", "nova", "us.amazon.nova-2-lite-caught"),
    "bedrock": ("anthropic.claude-sonnet-4-5-falls", "generic chat", "caught"),
    "generic chat": ("falls", "openai", "gpt-5-caught"),
}


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("name", FALLS)
def test_another_vendor_takes_over_with_tools_in_the_history(
    at_door: Door, vendors: Mapping[str, Models], name: str, *, store: bool
) -> None:
    falling, catcher, catching = FALLS[name]
    falls = vendors[name].named(
        falling,
        thinking("I fall.")
        + text("Let me see.")
        + calls(call("get_weather", '{"city":"Rome"}'), call("get_weather", '{"city":"Oslo"}')),
        failure(500),
    )
    caught = vendors[catcher].named(
        catching, thinking("I catch.") + text("Sun."), text("Still sun.")
    )
    talk = Talk(at_door, store)

    first = talk.turn(falls, question("Rome"))
    second = talk.turn(falls, results(first))
    third = talk.turn(caught, question("Lima"))

    assert second["output_text"] == "Sun."
    assert third["output_text"] == "Still sun."
    told = without_system(vendors[catcher].history(caught))
    assert told[:8] == [*heard_of("Rome", "Sun.")]
    plain = ["I catch."] if catcher != "generic chat" else []  # it does not want its thinking back
    assert vendors[catcher].thoughts(caught) == plain


def altered(sealed: str) -> str:
    middle = len(sealed) // 2
    other = "A" if sealed[middle] != "A" else "B"
    return sealed[:middle] + other + sealed[middle + 1 :]


@pytest.mark.parametrize("name", ["openai", "anthropic", "bedrock", "nova"])
def test_sealed_thinking_opens_only_as_it_was_and_for_whom_it_was_sealed(
    at_door: Door, other_tenant: Door, vendors: Mapping[str, Models], name: str
) -> None:
    vendor = vendors[name]
    model = vendor.saying(thinking("Hm.") + text("Yes."))
    made = Talk(at_door, store=False).turn(model, question("Oslo"))["output"]
    more = [{"role": "user", "content": "And now?"}]

    def resent(sealed: str) -> list[JSON]:
        thought, message = made
        return [*question("Oslo"), thought | {"encrypted_content": sealed}, message, *more]

    own = made[0]["encrypted_content"]
    assert own.startswith("gw1.")

    for door, sealed in ((at_door, altered(own)), (at_door, own[:-8]), (other_tenant, own)):
        status, error = door.refused(model, resent(sealed))
        assert (status, error["code"], error["param"]) == (400, "invalid_value", "input")
        assert "Hm." not in error["message"]
    for foreign in ("gAAAAABsomebodyElses", "gw1.", f"gw0{own[3:]}"):
        at_door.create(model, resent(foreign))
        assert vendor.thoughts(model) == []
    at_door.create(model, resent(own))
    assert vendor.thoughts(model) == ["Hm."]


def test_thinking_of_another_vendor_is_left_out_and_still_checked(
    at_door: Door, vendors: Mapping[str, Models]
) -> None:
    claude, oss = vendors["anthropic"], vendors["generic chat"]
    made = Talk(at_door, store=False).turn(
        claude.saying(thinking("Hm.") + text("Yes.")), question("Oslo")
    )["output"]
    model = oss.saying(text("No."), family="thinker")
    more = [{"role": "user", "content": "And now?"}]

    at_door.create(model, [*question("Oslo"), *made, *more])
    broken = made[0] | {"encrypted_content": altered(made[0]["encrypted_content"])}
    status, _ = at_door.refused(model, [*question("Oslo"), broken, made[1], *more])

    assert oss.thoughts(model) == []
    assert "Hm." not in str(oss.heard(model))
    assert status == 400
