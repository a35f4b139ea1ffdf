"""Keys that a worker was killed with, or that the caller talked over."""

from __future__ import annotations

import asyncio

from bot.dialog import Call, Expect, Gather, SendDigits, Turn
from bot.parts import StreamEnd
from tests.bot.lost_calls import Shelf, bot_heard, stream
from tests.virtual_time import virtual_time


class Keypad:
    def __init__(self, *first: object) -> None:
        self.first = list(first)
        self.keys: list[str] = []

    async def greet(self, call: Call) -> list[object]:
        return self.first

    async def on_dtmf(self, call: Call, digits: str) -> str:
        self.keys.append(digits)
        call.state.setdefault("keys", []).append(digits)
        await asyncio.sleep(1)
        return f"Key {digits}."

    async def on_turn(self, call: Call, turn: Turn) -> str:
        return f"You said {turn.text}."


@virtual_time
async def test_keys_that_were_not_answered_yet() -> None:
    keypad, shelf = Keypad("Hello."), Shelf()
    async with stream(keypad, shelf) as s:
        await s.wait(1)
        s.phone.press("12")
        await s.wait(0.5)
        left = shelf.record()
    assert left.open_keys == ["1", "2"]
    assert left.state == {}
    async with stream(keypad, shelf, left) as s:
        await s.wait(4)
        assert s.call.state == {"keys": ["1", "2"]}
        assert bot_heard(s) == "Hello. | Key 1. | Key 2."
    assert shelf.record().open_keys == []


@virtual_time
async def test_keys_that_the_caller_talks_over_are_answered_first() -> None:
    keypad = Keypad()
    async with stream(keypad, Shelf(), texts=["hello"]) as s:
        await s.wait(0.2)
        s.phone.press("12")
        await s.wait(0.5)
        s.phone.speak(400)
        await s.wait(0.3)
        s.stt.current.hear("hel")
        await s.wait(5)
        assert s.call.state == {"keys": ["1", "2"]}
        assert bot_heard(s) == "Key 1. | Key 2. | You said hello."
    assert keypad.keys == ["1", "1", "2"]


@virtual_time
async def test_an_answer_to_keys_that_waits_for_the_caller_is_given_afterwards() -> None:
    """The hook has given it whole, but not a word of it was heard."""
    keypad, shelf = Keypad(), Shelf()
    async with stream(keypad, shelf, texts=["hello"]) as s:
        await s.wait(0.2)
        s.phone.press("1")
        await s.wait(0.7)
        s.phone.speak(800)
        await s.wait(0.5)
        assert shelf.record().open_keys == []
        s.stt.current.hear("hel")
        await s.wait(0.1)
        assert (shelf.record().open_keys, s.call.state) == (["1"], {})
        await s.wait(5)
        assert bot_heard(s) == "Key 1. | You said hello."
    assert s.call.state == {"keys": ["1"]}


@virtual_time
async def test_a_noise_over_keys_that_are_being_answered() -> None:
    keypad = Keypad()
    async with stream(keypad, Shelf(), texts=[""]) as s:
        await s.wait(0.2)
        s.phone.press("1")
        await s.wait(0.5)
        s.phone.speak(300)
        await s.wait(0.2)
        s.stt.current.hear("uh")
        await s.wait(4)
        assert s.call.state == {"keys": ["1"]}
        assert bot_heard(s) == "Key 1."


@virtual_time
async def test_a_key_at_the_very_beginning_of_an_answer() -> None:
    """The key stops the answer before a word of it was heard: both are answered then."""

    class Both(Keypad):
        async def on_turn(self, call: Call, turn: Turn) -> str:
            await asyncio.sleep(0.2)
            return f"You said {turn.text}."

    keypad = Both()
    async with stream(keypad, Shelf(), texts=["hello"]) as s:
        s.phone.speak(400)
        while not s.counts.media_out:
            await s.wait(0.002)
        s.phone.press("1")
        await s.wait(5)
        assert bot_heard(s) == "You said hello. | Key 1."
        assert [entry.role for entry in s.call.history] == ["caller", "bot", "bot"]


@virtual_time
async def test_a_gather_and_what_is_expected_outlive_the_worker() -> None:
    keypad, shelf = Keypad(Expect(("yes", "no")), Gather(timeout_s=2), "Your number?"), Shelf()
    async with stream(keypad, shelf) as s:
        await s.wait(1)
        s.phone.press("12")
        await s.wait(0.1)
        left = shelf.record()
    async with stream(keypad, shelf, left) as s:
        await s.wait(1)
        assert s.stt.current.options.phrases == ("yes", "no")
        s.phone.press("3")
        await s.wait(1.9)
        assert keypad.keys == []
        await s.wait(2)
        assert keypad.keys == ["123"]
    assert shelf.record().gathering is None


@virtual_time
async def test_the_pause_that_completes_a_gather_begins_anew() -> None:
    keypad, shelf = Keypad(Gather(timeout_s=2), "Your number?"), Shelf()
    async with stream(keypad, shelf) as s:
        await s.wait(1)
        s.phone.press("12")
        await s.wait(0.1)
        left = shelf.record()
    async with stream(keypad, shelf, left) as s:
        await s.wait(2.1)
        assert keypad.keys == ["12"]
        assert s.call.state == {"keys": ["12"]}


@virtual_time
async def test_digits_were_sent() -> None:
    """What was planned is done when it is pending."""
    shelf = Shelf()
    async with stream(Keypad("Hello.", SendDigits("1")), shelf) as s:
        assert await s.ended() == StreamEnd("bot", "digits")
    assert shelf.record().planned is None
