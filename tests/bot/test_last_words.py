"""Who asks never to be called again and hangs up at once is heard all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.campaign.guard import GuardedDialog
from bot.dialog import Call, Hangup, Reply, Say, Turn
from bot.dialog.hook import Dialog
from bot.last_words import LAST_WORDS_S
from bot.record import Record
from tests.bot.engines import MS_PER_CHARACTER
from tests.bot.sessions import Scene, scene
from tests.virtual_time import virtual_time

REFUSAL = "please stop calling me"
GOODBYE = "We call again tomorrow. Goodbye."


class Bot:
    """Thinks for as long as anybody can wait."""

    def __init__(self, greeting: Say) -> None:
        self._greeting = greeting
        self.wait: Any = None
        self.turns: list[str] = []

    async def greet(self, call: Call) -> Say:
        return self._greeting

    async def on_turn(self, call: Call, turn: Turn) -> list[Reply]:
        self.turns.append(turn.text)
        if turn.text == "goodbye":
            return [GOODBYE, Hangup("the call has ended")]
        await self.wait(1.5)
        return ["I see."]


class Person:
    """Somebody whom a campaign has called."""

    def __init__(self, scene: Scene, bot: Bot, record: Record) -> None:
        self.scene = scene
        self.bot = bot
        self.record = record


@asynccontextmanager
async def called(
    *texts: str | None, greeting: Say | None = None, **more: Any
) -> AsyncIterator[Person]:
    record = Record("CA1", direction="outbound", attempt="a1")

    async def refuse(record: Record) -> bool:
        return True

    bot = Bot(greeting or Say("Hello."))
    guarded = GuardedDialog(Dialog(bot), record, refuse, hears=True, digit="9")
    call = Call("CA1", "+15550100001", "+15550100002", "outbound")
    async with scene(guarded, texts=list(texts), call=call, **more) as s:
        bot.wait = s.wait
        await s.wait(1.0)
        yield Person(s, bot, record)


async def leave(person: Person, *, status: bool) -> None:
    """Hang up; it is the stream or Twilio that says so first."""
    if status:
        person.scene.session.call_over()
    else:
        person.scene.phone.hang_up()
    await person.scene.ended()


@pytest.mark.parametrize("status", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5, 0.9])
def test_words_before_a_hang_up(after_s: float, status: bool) -> None:
    @virtual_time
    async def say_so() -> None:
        async with called(REFUSAL) as person:
            await person.scene.say(then_s=after_s)
            await leave(person, status=status)
            assert person.record.do_not_call

    say_so()


@virtual_time
async def test_words_over_what_may_not_be_interrupted() -> None:
    recorded = Say("This call is recorded. " * 20, interruptible=False)
    async with called(REFUSAL, greeting=recorded) as person:
        await person.scene.say(then_s=1.5)
        person.scene.phone.hang_up()
        await person.scene.ended()
        assert person.record.do_not_call


@virtual_time
async def test_what_was_said_in_two_halves() -> None:
    async with called("please stop", "calling me") as person:
        await person.scene.say(then_s=1.0)
        await person.scene.say(then_s=0.1)
        person.scene.phone.hang_up()
        await person.scene.ended()
        assert person.record.do_not_call


@pytest.mark.parametrize("more", ["calling me", ""])
def test_a_turn_that_went_on_is_in_the_history(more: str) -> None:
    @virtual_time
    async def go_on() -> None:
        async with called("please stop", more) as person:
            await person.scene.say(then_s=1.0)
            person.scene.phone.speak(600)
            await person.scene.wait(0.2)
            person.scene.stt.current.hear("calling")
            await person.scene.wait(0.5)
            person.scene.phone.hang_up()
            await person.scene.ended()
            text = f"please stop {more}".strip()
            assert person.scene.history[1:] == [("caller", text, text)]

    go_on()


@virtual_time
async def test_last_words_are_in_the_history() -> None:
    async with called("hello", "yes book it") as person:
        await person.scene.say(then_s=3.0)
        spoken_ms = round(person.scene.phone.now_ms)
        await person.scene.say(then_s=0.1)
        person.scene.phone.hang_up()
        await person.scene.ended()
        last = person.scene.call.history[-1]
        assert (last.role, last.text, last.heard) == ("caller", "yes book it", "yes book it")
        assert spoken_ms - 100 <= last.start_ms <= last.end_ms <= spoken_ms + 700
        assert person.bot.turns == ["hello"]


@virtual_time
async def test_who_has_asked_already_is_not_waited_for() -> None:
    async with called() as person:
        person.record.do_not_call = True
        person.scene.phone.speak(600)
        await person.scene.wait(0.6)
        left_ms = person.scene.phone.now_ms
        person.scene.phone.hang_up()
        await person.scene.ended()
        assert person.scene.phone.now_ms - left_ms <= 100


@pytest.mark.parametrize("before_s", [0.8, 0.6])
def test_words_into_the_bots_goodbye(before_s: float) -> None:
    """They are complete when it ends."""

    @virtual_time
    async def say_so() -> None:
        async with called("goodbye", REFUSAL) as person:
            phone = person.scene.phone
            said_ms = phone.speech_ms + len(GOODBYE) * MS_PER_CHARACTER
            phone.speak(300)
            while phone.speech_ms < said_ms - before_s * 1000:
                await person.scene.wait(0.02)
            phone.speak(600)
            while phone.closed is None:
                await person.scene.wait(0.02)
            # Nobody waits on the line for what is still to be understood.
            assert not person.record.do_not_call
            assert (await person.scene.ended()).how == "bot"
            assert person.record.do_not_call
            assert person.scene.history[-1] == ("caller", REFUSAL, REFUSAL)

    say_so()


@virtual_time
async def test_half_a_sentence_in_a_call_that_goes_on_elsewhere() -> None:
    async with called("please do not call me before nine") as person:
        person.scene.phone.speak(1500)
        await person.scene.wait(0.7)
        person.scene.stt.current.hear("please do not call me")
        await person.scene.wait(0.1)
        assert await person.scene.session.move()
        assert (await person.scene.ended()).how == "elsewhere"
        assert not person.record.do_not_call


@virtual_time
async def test_nobody_waits_long_for_words_that_do_not_come() -> None:
    async with called() as person:
        person.scene.phone.speak(600)
        await person.scene.wait(0.6)
        left_ms = person.scene.phone.now_ms
        person.scene.phone.hang_up()
        await person.scene.ended()
        assert person.scene.phone.now_ms - left_ms <= LAST_WORDS_S * 1000 + 100
        assert not person.record.do_not_call
