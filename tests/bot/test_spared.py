"""People who are taken for machines, and ask never to be called again: they are heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.campaign.guard import DO_NOT_CALL, GuardedDialog, refusals_of
from bot.dialog import Call, DoNotCall, Gap, Hangup, Turn
from bot.dialog.hook import Dialog
from bot.parts import StreamEnd
from bot.progress import Progress
from bot.record import Record
from bot.voicemail import VoicemailPolicy
from tests.bot.sessions import Scene, scene
from tests.media.hearing import silence, vowels
from tests.virtual_time import virtual_time

GOODBYE = refusals_of("en").goodbye
MESSAGE = "This is the dentist, and we would like to see you again. Please call us back."
REFUSAL = "please stop calling me"
HANG_UP = VoicemailPolicy("hang_up")
LEAVE = VoicemailPolicy("leave_message", message=MESSAGE)
BY_TWILIO = VoicemailPolicy("leave_message", "twilio", MESSAGE)
REFUSED = StreamEnd("bot", DO_NOT_CALL)
VOICEMAIL = StreamEnd("bot", "voicemail")


class Bot:
    """Thinks for a while."""

    def __init__(self, thinks_s: float = 0.0) -> None:
        self.thinks_s = thinks_s
        self.wait: Any = None

    async def greet(self, call: Call) -> str:
        return "Hello."

    async def on_turn(self, call: Call, turn: Turn) -> Any:
        await self.wait(self.thinks_s)
        return ["Well.", DoNotCall()] if turn.text == "spam" else "I see."


class Person:
    """A campaign's call, and whether it was refused."""

    def __init__(self, scene: Scene, record: Record, refused: list[Record]) -> None:
        self.scene = scene
        self.phone = scene.phone
        self.record = record
        self._refused = refused

    @property
    def refused(self) -> bool:
        assert self.record.do_not_call is bool(self._refused)
        return self.record.do_not_call

    async def say(self, then_s: float = 1.0) -> None:
        """Speak: the scene's own voice is a tone, which is a machine's."""
        self.phone.play(vowels(0.8))
        await self.scene.wait(0.8 + then_s)

    @property
    def last(self) -> tuple[str, str]:
        return self.scene.call.history[-1].text, self.scene.call.history[-1].heard


@asynccontextmanager
async def called(
    policy: VoicemailPolicy, *texts: str, thinks_s: float = 0.0, hears: bool = True, **more: Any
) -> AsyncIterator[Person]:
    record = Record("CA1", direction="outbound", attempt="a1")
    refused: list[Record] = []

    async def refuse(record: Record) -> bool:
        refused.append(record)
        return True

    bot = Bot(thinks_s)
    guarded = GuardedDialog(Dialog(bot), record, refuse, hears=hears, digit="9")
    call = Call("CA1", "+15550100001", "+15550100002", "outbound")
    async with scene(guarded, texts=list(texts), voicemail=policy, call=call, **more) as s:
        bot.wait = s.wait
        yield Person(s, record, refused)


@pytest.mark.parametrize("policy", [HANG_UP, LEAVE, BY_TWILIO])
def test_who_says_so_when_the_verdict_comes(policy: VoicemailPolicy) -> None:
    """Whoever talks for 2.4 s is a machine to Twilio: "Hello? Who is this? Please stop …"."""

    @virtual_time
    async def say_so() -> None:
        progress = Progress()
        async with called(policy, f"hello who is this {REFUSAL}", progress=progress) as person:
            person.phone.play(vowels(3.0))
            await person.scene.wait(2.5)
            person.scene.session.answered("machine_start")
            assert await person.scene.ended() == REFUSED
        assert person.refused
        assert person.last == (GOODBYE, GOODBYE)
        assert MESSAGE not in " ".join(person.scene.tts.texts)
        assert (progress.voicemail, progress.message_left) == (None, False)
        assert person.scene.history[-2][:2] == ("caller", f"hello who is this {REFUSAL}")

    say_so()


@virtual_time
async def test_a_machine_that_talks_on_is_hung_up_on_soon() -> None:
    async with called(HANG_UP, "you have reached us") as person:
        person.phone.play(vowels(30))
        await person.scene.wait(2.5)
        person.scene.session.answered("machine_start")
        from_ms = person.phone.now_ms
        assert await person.scene.ended() == VOICEMAIL
        assert 1_900 < person.phone.now_ms - from_ms < 2_200
    assert not person.refused


@virtual_time
async def test_words_that_are_not_final_when_it_is_hung_up() -> None:
    async with called(HANG_UP) as person:
        person.phone.play(vowels(30))
        await person.scene.wait(2.5)
        person.scene.session.answered("machine_start")
        person.scene.stt.current.hear(REFUSAL)
        assert await person.scene.ended() == REFUSED
    assert person.refused


@virtual_time
async def test_other_words_are_a_machines() -> None:
    async with called(HANG_UP, "leave a message") as person:
        person.phone.play(vowels(3.0))
        await person.scene.wait(2.5)
        person.scene.session.answered("machine_start")
        from_ms = person.phone.now_ms
        assert await person.scene.ended() == VOICEMAIL
        assert person.phone.now_ms - from_ms < 1_200, "nobody says anything any more"
    assert not person.refused
    assert person.scene.counts.turns == 0


@virtual_time
async def test_what_was_said_in_two_halves() -> None:
    async with called(BY_TWILIO, "please stop", "calling me", thinks_s=1.9) as person:
        person.phone.play(vowels(1.0))
        person.phone.play(silence(0.9))
        person.phone.play(vowels(0.8))
        await person.scene.wait(2.2)
        person.scene.session.answered("machine_start")
        assert await person.scene.ended() == REFUSED
    assert person.refused


@virtual_time
async def test_a_key_in_the_message() -> None:
    async with called(LEAVE, answered_by="machine_end_beep") as person:
        await person.scene.wait(0.5)
        person.phone.press("1")
        await person.scene.wait(0.2)
        assert person.phone.clears_ms == []
        person.phone.press("9")
        await person.scene.wait(0.1)
        assert len(person.phone.clears_ms) == 1
        assert await person.scene.ended() == REFUSED
    assert person.refused
    assert person.last == (GOODBYE, GOODBYE)


@virtual_time
async def test_words_in_the_message() -> None:
    async with called(LEAVE, REFUSAL, answered_by="machine_end_beep") as person:
        await person.scene.wait(0.5)
        await person.say()
        assert person.refused
        assert await person.scene.ended() == REFUSED


@virtual_time
async def test_words_at_the_messages_end() -> None:
    async with called(LEAVE, REFUSAL, answered_by="machine_end_beep") as person:
        await person.scene.wait(0.1 + len(MESSAGE) * 0.05)
        await person.say()
        assert await person.scene.ended() == REFUSED
    assert person.refused


@virtual_time
async def test_whoever_does_not_want_them_heard() -> None:
    async with called(LEAVE, REFUSAL, hears=False, answered_by="machine_end_beep") as person:
        await person.say()
        assert await person.scene.ended() == VOICEMAIL
    assert person.last == (MESSAGE, MESSAGE)


@virtual_time
async def test_a_verdict_in_the_goodbye() -> None:
    async with called(HANG_UP, REFUSAL) as person:
        await person.scene.wait(1)
        await person.say()
        assert person.refused
        assert person.last[1] != GOODBYE, "it is still being said"
        person.scene.session.answered("machine_start")
        assert await person.scene.ended() == REFUSED
    assert person.last == (GOODBYE, GOODBYE)


@virtual_time
async def test_who_asked_the_dialog_goes_on_talking_to_it() -> None:
    async with called(HANG_UP, "spam", "yes") as person:
        await person.scene.wait(1)
        await person.say(then_s=2)
        person.scene.session.answered("machine_start")
        await person.say(then_s=2)
        assert person.last == ("I see.", "I see.")


@pytest.mark.parametrize("asked", ["9", Turn("t1", REFUSAL)])
def test_what_was_asked_in_an_earlier_stream(asked: Turn | str) -> None:
    @virtual_time
    async def go_on() -> None:
        progress = Progress(voicemail="message")
        if isinstance(asked, Turn):
            progress.open_turn = asked
        else:
            progress.open_keys = [asked]
        parts: dict[str, Any] = {"resuming": True, "gap": Gap(900, False), "began_ms": 8000.0}
        async with called(LEAVE, progress=progress, **parts) as person:
            assert await person.scene.ended() == REFUSED
        assert person.scene.keeper.commits == [Hangup(DO_NOT_CALL)]
        assert person.scene.tts.texts[0] in GOODBYE
        assert (progress.open_turn, progress.open_keys) == (None, [])

    go_on()
