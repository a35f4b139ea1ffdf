"""A machine answers: whole sessions with a telephone that plays greetings and beeps."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialog import Call, Gap, Hangup, HistoryEntry, Interruption, Turn
from bot.parts import StreamEnd
from bot.progress import Progress
from bot.turn import TurnSettings
from bot.voicemail import Stage, VoicemailPolicy
from media.audio import ulaw_to_pcm
from providers.errors import UnavailableError
from providers.vad import load_model
from tests.bot.engines import Recognizer, Tones
from tests.bot.sessions import CALL, Scene, scene
from tests.media.hearing import silence, sines, vowels
from tests.vendors.twilio_rest.sounds import BEEP
from tests.vendors.twilio_rest.sounds import GREETING as GREETING_CLIP
from tests.virtual_time import virtual_time

GREETING = "Good morning. Do you have a minute?"
MESSAGE = "This is the dentist. Please call us back."
MESSAGE_S = len(MESSAGE) * 0.05
LEAVE = VoicemailPolicy("leave_message", message=MESSAGE)
BY_TWILIO = VoicemailPolicy("leave_message", "twilio", MESSAGE)
OVER = StreamEnd("bot", "voicemail")


class Bot:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def greet(self, call: Call) -> str:
        self.asked.append("greet")
        return GREETING

    async def on_turn(self, call: Call, turn: Turn) -> str:
        self.asked.append(turn.text)
        return f"You said {turn.text}."

    async def on_dtmf(self, call: Call, digits: str) -> str:
        self.asked.append(digits)
        return "A key."

    async def on_idle(self, call: Call, count: int) -> str:
        self.asked.append("idle")
        return "Hello?"

    async def on_resume(self, call: Call, unheard: str) -> str:
        self.asked.append("resume")
        return unheard


def message_entries(s: Scene) -> list[tuple[str, str]]:
    return [(text, heard) for role, text, heard in s.history if role == "bot"][-1:]


async def greeting_and_beep(s: Scene, seconds: float = 3.0) -> None:
    s.phone.play(vowels(seconds))
    s.phone.play(sines(0.3, 1000))
    await s.wait(seconds + 0.3)


@virtual_time
async def test_a_beep_alone_gets_the_message() -> None:
    bot, progress = Bot(), Progress()
    async with scene(bot, voicemail=LEAVE, progress=progress, texts=["leave a message"]) as s:
        await greeting_and_beep(s)
        beeped_ms = s.phone.now_ms
        assert await s.ended() == OVER
        assert s.keeper.commits == [Hangup("voicemail")]
    assert bot.asked == ["greet"]
    entry = s.call.history[-1]
    assert (entry.text, entry.heard, entry.interrupted) == (MESSAGE, MESSAGE, False)
    assert 0 < entry.start_ms - beeped_ms < 300
    assert (progress.voicemail, progress.message_left) == ("message", True)
    assert s.counts.turns == 0


@virtual_time
async def test_twilios_verdict_hushes_and_the_message_waits_for_the_beep() -> None:
    bot, progress = Bot(), Progress()
    async with scene(bot, voicemail=LEAVE, progress=progress, texts=["one", "two", "three"]) as s:
        s.phone.play(vowels(1.0))
        await s.wait(1.0)
        s.session.answered("machine_start")
        hushed_ms = s.phone.now_ms
        for _ in range(2):
            s.phone.play(vowels(2.0))
            s.phone.play(silence(1.0))
            await s.wait(3.0)
        s.phone.press("1")
        assert s.tts.texts[-1] != MESSAGE
        s.phone.play(sines(0.4, 700))
        assert await s.ended() == OVER
    assert bot.asked == ["greet"]
    assert s.call.history[0].end_ms <= hushed_ms
    assert [entry.role for entry in s.call.history] == ["bot", "bot"]
    assert progress.message_left


@virtual_time
async def test_nothing_interrupts_the_message() -> None:
    async with scene(Bot(), voicemail=LEAVE, texts=["hello", "hello"]) as s:
        await greeting_and_beep(s)
        await s.wait(0.3)
        clears = len(s.phone.clears_ms)
        s.phone.play(vowels(1.5))
        s.phone.press("5")
        assert await s.ended() == OVER
        assert len(s.phone.clears_ms) == clears
    assert message_entries(s) == [(MESSAGE, MESSAGE)]


@virtual_time
async def test_what_was_asked_before_is_not_answered() -> None:
    """A turn of the greeting's words is with the dialog when the machine is known."""

    class Slow(Bot):
        async def on_turn(self, call: Call, turn: Turn) -> str:
            self.asked.append(turn.text)
            await s.wait(3)
            return "Too late."

    bot, progress = Slow(), Progress()
    async with scene(bot, voicemail=LEAVE, progress=progress, texts=["hi"], hook_timeout_s=9) as s:
        s.phone.play(vowels(1.0))
        await s.wait(1.8)
        assert bot.asked == ["greet", "hi"]
        assert progress.open_turn is not None
        s.session.answered("machine_end_beep")
        assert progress.open_turn is None
        assert await s.ended() == OVER
    assert message_entries(s) == [(MESSAGE, MESSAGE)]
    assert "Too late." not in s.tts.texts


@virtual_time
async def test_a_verdict_before_the_stream_leaves_the_dialog_alone() -> None:
    bot = Bot()
    async with scene(bot, voicemail=BY_TWILIO, answered_by="machine_end_beep") as s:
        assert await s.ended() == OVER
    assert bot.asked == []
    assert s.history == [("bot", MESSAGE, MESSAGE)]


@pytest.mark.parametrize(
    ("word", "reason"),
    [("machine_start", "voicemail"), ("machine_end_other", "voicemail"), ("fax", "fax")],
)
def test_hung_up_at_once(word: str, reason: str) -> None:
    @virtual_time
    async def hang_up() -> None:
        bot, progress = Bot(), Progress()
        policy = VoicemailPolicy("hang_up")
        async with scene(bot, voicemail=policy, progress=progress) as s:
            await s.wait(1)
            s.session.answered(word)
            asked_ms = s.phone.now_ms
            assert await s.ended() == StreamEnd("bot", reason)
            assert s.phone.now_ms - asked_ms < 50
        assert (progress.voicemail, progress.message_left) == ("over", False)

    hang_up()


@virtual_time
async def test_a_human_has_a_conversation() -> None:
    bot, progress = Bot(), Progress()
    async with scene(bot, voicemail=LEAVE, progress=progress, texts=["yes", "fine"]) as s:
        s.session.answered("human")
        await s.wait(3)
        for _ in range(2):
            s.phone.play(vowels(0.8))
            await s.wait(3)
        s.session.answered("machine_start")
        await s.wait(3)
    assert bot.asked == ["greet", "yes", "fine"]
    assert await s.ended() == StreamEnd("stop", "stream stopped")
    assert (progress.voicemail, progress.message_left) == (None, False)


@virtual_time
async def test_a_late_verdict_ends_no_conversation() -> None:
    bot = Bot()
    async with scene(bot, voicemail=LEAVE, texts=["yes", "fine", "bye"]) as s:
        await s.wait(3)
        for _ in range(2):
            s.phone.play(vowels(0.8))
            await s.wait(3)
        s.session.answered("machine_end_other")
        s.phone.play(vowels(0.8))
        await s.wait(3)
    assert bot.asked == ["greet", "yes", "fine", "bye"]


@virtual_time
async def test_a_machine_that_talks_through_the_answers_had_no_conversation() -> None:
    bot = Bot()
    async with scene(bot, voicemail=LEAVE, texts=["this is", "Bob", "leave"]) as s:
        for _ in range(3):
            s.phone.play(vowels(0.8))
            await s.wait(1.6)
        assert len(bot.asked) > 2
        s.session.answered("machine_end_beep")
        assert await s.ended() == OVER
    assert message_entries(s) == [(MESSAGE, MESSAGE)]


@pytest.mark.parametrize(("share", "left"), [(0.5, False), (0.9, True)])
def test_a_machine_that_hangs_up_on_the_message(share: float, left: bool) -> None:
    @virtual_time
    async def cut() -> None:
        progress = Progress()
        async with scene(
            Bot(), voicemail=LEAVE, progress=progress, answered_by="machine_end_beep"
        ) as s:
            await s.wait(0.1 + MESSAGE_S * share)
            s.phone.drop()
            assert await s.ended() == StreamEnd("closed", "socket closed by the peer")
        assert progress.message_left is left

    cut()


@virtual_time
async def test_a_message_that_cannot_be_said_is_not_left() -> None:
    progress = Progress()
    tts = Tones(fail={MESSAGE.split(". ")[1]: (0, UnavailableError("tones", "gone"))})
    async with scene(
        Bot(), voicemail=LEAVE, progress=progress, answered_by="machine_end_beep", tts=tts
    ) as s:
        assert await s.ended() == OVER
    assert not progress.message_left


def said_before(heard: str) -> list[HistoryEntry]:
    return [
        HistoryEntry("bot", GREETING, "Good", 0, 400, interrupted=True),
        HistoryEntry("bot", MESSAGE, heard, 5000, 7000),
    ]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (said_before("This is the dentist. Please"), ["Please call us back."]),
        (said_before(MESSAGE), []),
        (said_before(MESSAGE)[:1], MESSAGE.replace(". ", ".|").split("|")),
    ],
)
def test_another_worker_goes_on_with_the_message(
    before: list[HistoryEntry], said: list[str]
) -> None:
    @virtual_time
    async def go_on() -> None:
        bot, progress = Bot(), Progress(voicemail="message")
        call = Call("CA" + "0" * 32, "+15550100001", "+15550100002", "outbound", history=before)
        parts: dict[str, Any] = {"resuming": True, "gap": Gap(900, False), "began_ms": 8000.0}
        async with scene(bot, voicemail=LEAVE, progress=progress, call=call, **parts) as s:
            assert await s.ended() == OVER
        assert s.tts.texts == said
        assert bot.asked == []
        assert progress.message_left
        assert (s.counts.gaps, s.counts.lost_ms) == (1, 900)

    go_on()


@virtual_time
async def test_a_machine_with_which_nobody_can_part() -> None:
    """What comes next can be neither stored nor done: it is tried again soon; nothing is said."""
    bot = Bot()
    async with scene(bot, voicemail=VoicemailPolicy("hang_up")) as s:
        s.keeper.refuse = 1
        await s.wait(1)
        s.session.answered("machine_start")
        await s.wait(9)
        assert not s.running.done()
        await s.wait(2)
        assert s.running.done()
        assert s.keeper.commits == [Hangup("voicemail")] * 2
        assert (await s.ended()).how == "bot"
    assert bot.asked == ["greet"]
    assert len(s.tts.texts) <= 2


@pytest.mark.parametrize("stage", ["waiting", "message"])
def test_a_message_that_nobody_here_knows_is_not_left(stage: Stage) -> None:
    """The worker that had the call is gone, and Redis too slow to tell of the campaign."""

    @virtual_time
    async def go_on() -> None:
        progress = Progress(voicemail=stage)
        call = Call(CALL, "+15550100001", "+15550100002", "outbound", history=said_before(""))
        parts: dict[str, Any] = {"resuming": True, "gap": Gap(900, False), "began_ms": 8000.0}
        async with scene(Bot(), voicemail=None, progress=progress, call=call, **parts) as s:
            assert await s.ended() == OVER
            assert s.phone.now_ms < 1_000
        assert s.tts.texts == []
        assert not progress.message_left

    go_on()


@virtual_time
async def test_a_machine_hears_no_apology() -> None:
    progress = Progress()
    tts = Tones(fail={MESSAGE.split(". ")[0] + ".": (0, UnavailableError("tones", "gone"))})
    async with scene(
        Bot(), voicemail=LEAVE, progress=progress, answered_by="machine_end_beep", tts=tts
    ) as s:
        assert await s.ended() == OVER
        assert s.phone.speech_ms == 0
    assert not progress.message_left


@virtual_time
async def test_a_machine_is_connected_to_nobody() -> None:
    """It is known when the bot, whose recognizers have all failed, is about to transfer."""
    stt = Recognizer(["x"], failures=[UnavailableError("recognizer", "gone")] * 50)
    async with scene(Bot(), voicemail=LEAVE, stt=stt, fallback_number="+15550109999") as s:
        while not any("cannot go on" in text for _, text, _ in s.history):
            await s.wait(0.05)
        s.session.answered("machine_end_beep")
        assert await s.ended() == OVER
    assert s.keeper.commits == [Hangup("voicemail")]
    assert message_entries(s) == [(MESSAGE, MESSAGE)]


@virtual_time
async def test_a_greeting_with_a_pause() -> None:
    progress = Progress()
    async with scene(Bot(), voicemail=LEAVE, progress=progress, texts=["a"] * 9) as s:
        s.phone.play(vowels(3.0))
        await s.wait(3.0)
        s.session.answered("machine_start")
        s.phone.play(silence(2.3))
        s.phone.play(vowels(8.0))
        s.phone.play(sines(0.4, 1000))
        await s.wait(2.3 + 8.0 + 0.4)
        beeped_ms = s.phone.now_ms
        assert (progress.voicemail, progress.message_left) == ("waiting", False)
        assert await s.ended() == OVER
    entry = s.call.history[-1]
    assert (entry.text, entry.heard) == (MESSAGE, MESSAGE)
    assert entry.start_ms > beeped_ms
    assert s.tts.texts.count("Please call us back.") == 2, "it was begun in the pause"
    assert progress.message_left


@pytest.mark.parametrize("kind", ["energy", "webrtc"])
def test_a_spoken_greeting_and_a_beep(kind: str) -> None:
    """As the simulated people's machines play them, and a voice activity model of the product."""
    vad = load_model(kind)

    @virtual_time
    async def answer() -> None:
        bot, progress = Bot(), Progress()
        texts: list[str | None] = ["hello this is the mailbox", "leave a message", "and so on"]
        async with scene(bot, voicemail=LEAVE, progress=progress, texts=texts, vad=vad) as s:
            await s.wait(0.5)
            for sound in (GREETING_CLIP, BEEP):
                s.phone.play(ulaw_to_pcm(sound.audio))
                await s.wait(len(sound.audio) / 8000)
            beeped_ms = s.phone.now_ms
            assert progress.voicemail is None
            assert await s.ended() == OVER
        entry = s.call.history[-1]
        assert (entry.text, entry.heard) == (MESSAGE, MESSAGE)
        assert 0 < entry.start_ms - beeped_ms < 400
        assert progress.message_left

    answer()


@virtual_time
async def test_a_machine_is_not_asked_whether_it_is_still_there() -> None:
    bot = Bot()
    turn = TurnSettings(idle_ms=3_000)
    async with scene(bot, voicemail=BY_TWILIO, answered_by="machine_start", turn=turn) as s:
        await s.wait(40)
        assert s.tts.texts == []
        assert await s.ended() == OVER
    assert message_entries(s) == [(MESSAGE, MESSAGE)]


class Told(Bot):
    """Notes what it is told of interruptions."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
        self.told.append(interruption.text)


@virtual_time
async def test_on_interrupted_is_told_of_what_the_machine_cut() -> None:
    bot = Told()
    async with scene(bot, voicemail=LEAVE) as s:
        await s.wait(1)
        s.session.answered("machine_end_beep")
        assert await s.ended() == OVER
    assert bot.told == [GREETING]


@virtual_time
async def test_the_dialog_is_not_told_of_a_message_that_begins_again() -> None:
    bot = Told()
    async with scene(bot, voicemail=LEAVE, answered_by="machine_end_silence") as s:
        await s.wait(1)
        s.phone.play(sines(0.4, 1000))
        assert await s.ended() == OVER
    assert bot.told == []
    assert [text for _, text, _ in s.history] == [MESSAGE] * 2
