from __future__ import annotations

import asyncio
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.conversation import Conversation
from bot.dialog import (
    Action,
    Call,
    Expect,
    Gather,
    Hangup,
    HistoryEntry,
    Interruption,
    Play,
    Say,
    SetLanguage,
    Turn,
)
from bot.parts import StreamEnd
from bot.progress import Progress
from bot.reply_queue import MAX_REPLIES
from bot.turn import TurnSettings
from media.audio import pcm_to_ulaw
from media.playout import MAX_SEGMENTS
from providers.errors import UnavailableError
from tests.bot.engines import Recognizer, Tones, tone
from tests.bot.sessions import APOLOGY, Scene, scene
from tests.virtual_time import virtual_time


def heard(s: Scene) -> list[str]:
    """What the caller has heard of the bot."""
    return [entry.heard for entry in s.call.history if entry.role == "bot"]


# Replies


@virtual_time
async def test_speech_begins_with_the_first_sentence() -> None:
    async def slow(call: Call, turn: Turn) -> AsyncIterator[str]:
        yield "First. "
        await asyncio.sleep(1)
        yield "Sec"
        yield "ond."

    async with scene(slow, texts=["go"]) as s:
        await s.say(400, then_s=1)
        assert s.tts.texts == ["First."]
        assert s.phone.speech_ms > 0
        await s.wait(2)
        assert heard(s) == ["First. Second."]


@virtual_time
async def test_sentences_are_synthesized_while_others_play() -> None:
    async def talk(call: Call, turn: Turn) -> str:
        return "This is the first sentence of them. And the second one."

    async with scene(talk, texts=["go"]) as s:
        await s.say(400, then_s=0.8)
        assert len(s.tts.texts) == 2
        assert s.phone.speech_ms < 1000


@virtual_time
async def test_a_turn_as_the_hook_sees_it() -> None:
    turns: list[Turn] = []

    async def hook(call: Call, turn: Turn) -> None:
        turns.append(turn)

    async with scene(hook, texts=["one", "two"]) as s:
        await s.say()
        await s.say()
    assert [turn.id for turn in turns] == [f"{s.call.sid}-1", f"{s.call.sid}-2"]
    assert [turn.text for turn in turns] == ["one", "two"]
    assert turns[0].confidence == 0.9
    assert turns[0].end_ms - turns[0].start_ms == pytest.approx(600, abs=40)
    assert not turns[0].rejected


@virtual_time
async def test_turns_are_counted_on_in_a_second_stream() -> None:
    turns: list[Turn] = []

    async def hook(call: Call, turn: Turn) -> None:
        turns.append(turn)

    call = Call("CA1", "", "", "inbound")
    call.history.append(HistoryEntry("caller", "one", "one", 0, 100))
    progress = Progress(turns=1)
    async with scene(hook, texts=["two"], call=call, progress=progress, resuming=True) as s:
        await s.say()
    assert turns[0].id == "CA1-2"


# Hooks that fail


@pytest.mark.parametrize("failure", ["raises", "hangs", "answers nonsense", "raises in the middle"])
def test_a_hook_that_fails_is_apologized_for(failure: str) -> None:
    async def hook(call: Call, turn: Turn) -> object:
        if turn.text == "again":
            return "Here I am."
        if failure == "raises":
            raise ZeroDivisionError
        if failure == "hangs":
            await asyncio.sleep(3600)
        return 42

    async def halves(call: Call, turn: Turn) -> AsyncIterator[object]:
        yield "Well. "
        if turn.text != "again":
            raise ZeroDivisionError

    @virtual_time
    async def fail() -> None:
        target = halves if failure == "raises in the middle" else hook
        async with scene(target, texts=["go", "again"]) as s:
            await s.say(400, then_s=5)
            assert heard(s)[-1].endswith(APOLOGY)
            assert s.counts.failed_hooks == {"on_turn": 1}
            await s.say(400, then_s=3)
            assert heard(s)[-1] in {"Here I am.", "Well."}

    fail()


@virtual_time
async def test_a_synchronous_hook_that_hangs() -> None:
    go = threading.Event()

    def hook(call: Call, turn: Turn) -> str:
        go.wait(0.2)
        return "Done."

    async with scene(hook, texts=["go"]) as s:
        await s.say(400, then_s=3)
        assert heard(s) == ["Done."]


@virtual_time
async def test_no_room_for_the_apology() -> None:
    class Talker:
        async def greet(self, call: Call) -> list[str]:
            return ["A" for _ in range(MAX_SEGMENTS + 10)]

        async def on_turn(self, call: Call, turn: Turn) -> str:
            return "Still here."

    async with scene(Talker(), texts=["go"], tts=Tones()) as s:
        s.phone.echoes = False
        await s.wait(1)
        assert len(s.call.history[0].text) >= MAX_SEGMENTS


@virtual_time
async def test_a_dialog_that_fails_is_logged_with_its_method() -> None:
    class Failing:
        async def on_dtmf(self, call: Call, digits: str) -> None:
            if digits == "1":
                raise ZeroDivisionError
            await asyncio.sleep(3_600)

    async with scene(Failing()) as s:
        with capture_logs() as logs:
            for digits in "12":
                s.phone.press(digits)
                await s.wait(20)
    failures = [entry for entry in logs if entry["log_level"] == "error"]
    assert [(entry["event"], entry["hook"], entry["reason"]) for entry in failures] == [
        ("dialog failed", "on_dtmf", "raised"),
        ("dialog failed", "on_dtmf", "took too long"),
    ]
    assert s.counts.failed_hooks == {"on_dtmf": 2}


@virtual_time
async def test_a_phone_that_confirms_nothing_has_its_reply_cut() -> None:
    class Talker:
        async def greet(self, call: Call) -> list[object]:
            return [Say("A" * 1_000)] * 4

        async def on_turn(self, call: Call, turn: Turn) -> str:
            return "Still here."

    async with scene(Talker(), texts=["go"]) as s:
        s.phone.echoes = False
        with capture_logs() as logs:
            await s.wait(400)
        assert [entry["event"] for entry in logs] == ["reply cut"]
        assert not s.running.done()
        s.phone.echoes = True
        await s.say(400, then_s=3)
        assert heard(s)[-1] == "Still here."


@virtual_time
async def test_a_hook_that_fails_when_nothing_more_fits() -> None:
    class Talker:
        async def greet(self, call: Call) -> AsyncIterator[object]:
            for _ in range(MAX_SEGMENTS):
                yield Say("A")
            raise ZeroDivisionError

    async with scene(Talker()) as s:
        s.phone.echoes = False
        await s.wait(1)
        assert s.counts.failed_hooks == {"greet": 1}
        assert not s.running.done()


@virtual_time
async def test_a_state_that_cannot_be_copied_or_kept() -> None:
    async def hook(call: Call, turn: Turn) -> str:
        call.state["lock"] = threading.Lock()
        call.state["turns"] = [*call.state.get("turns", []), turn.text]
        await asyncio.sleep(1.5 if turn.text == "two" else 0)
        return f"Heard {turn.text}."

    async with scene(hook, texts=["one", "two", "three"]) as s:
        await s.say(400, then_s=2)
        lock = s.call.state["lock"]
        await s.say(400, then_s=0.8)
        assert s.call.state["turns"] == ["one", "two"]
        await s.say(400, then_s=4)
        assert s.call.state["turns"] == ["one", "two three"]
        assert s.call.state["lock"] is not lock
        assert heard(s) == ["Heard one.", "Heard two three."]


@virtual_time
async def test_halves_of_characters() -> None:
    async def hook(call: Call, turn: Turn) -> AsyncIterator[str]:
        yield "Good \ud83d"
        yield "\ude00 and \udc00."

    async with scene(hook, texts=["go"]) as s:
        await s.say(400, then_s=3)
        assert heard(s) == ["Good \U0001f600 and \ufffd."]


# Synthesizers that fail


@virtual_time
async def test_a_synthesizer_that_fails_in_mid_sentence() -> None:
    sentence = "A sentence that breaks off in its middle."
    tts = Tones(fail={sentence: (3, UnavailableError("tones", "gone"))})

    async def hook(call: Call, turn: Turn) -> str:
        return sentence if turn.text == "go" else "Back."

    async with scene(hook, texts=["go", "again"], tts=tts) as s:
        await s.say(400, then_s=4)
        (entry,) = (entry for entry in s.call.history if entry.role == "bot")
        assert entry.text == f"{sentence} {APOLOGY}"
        # 600 ms of it.
        assert entry.heard == f"A sentence {APOLOGY}"
        await s.say(400, then_s=3)
        assert heard(s)[-1] == "Back."


@virtual_time
async def test_what_a_synthesizer_could_not_say_is_not_repeated_after_a_noise() -> None:
    tts = Tones(fail={"You said one.": (1, UnavailableError("tones", "gone"))})

    async def hook(call: Call, turn: Turn) -> str:
        return f"You said {turn.text}."

    async with scene(hook, texts=["one", "two", ""], tts=tts) as s:
        await s.say(400, then_s=3)
        await s.say(400, then_s=0.8)
        await s.say(300, then_s=4)
        assert tts.texts == ["You said one.", "You said two.", "You said two."]
        assert [entry.interrupted for entry in s.call.history if entry.role == "bot"] == [
            False,
            True,
            False,
        ]


@virtual_time
async def test_a_synthesizer_that_says_nothing_at_all() -> None:
    async def hook(call: Call, turn: Turn) -> str:
        return "Hello."

    async with scene(hook, texts=["go"], tts=Tones(pace_s=100)) as s:
        await s.say(400, then_s=8)
        assert heard(s) == [APOLOGY]
        assert s.counts.hook_errors == 0


# Recordings


def recording(folder: Path, seconds: float = 2.0) -> Path:
    path = folder / "jingle.ulaw"
    path.write_bytes(pcm_to_ulaw(tone(seconds * 1000)))
    return path


def test_a_recording_is_played(tmp_path: Path) -> None:
    @virtual_time
    async def play() -> None:
        async def hook(call: Call, turn: Turn) -> list[object]:
            return ["Listen.", Play(recording(tmp_path))]

        async with scene(hook, texts=["go"]) as s:
            await s.say(400, then_s=4)
            assert heard(s) == ["Listen. [jingle.ulaw]"]
            assert s.phone.speech_ms == pytest.approx(2300, abs=100)

    play()


@pytest.mark.parametrize("content", [None, b"no wave"])
def test_a_recording_that_cannot_be_played(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jingle.wav"
    if content is not None:
        path.write_bytes(content)

    @virtual_time
    async def play() -> None:
        async def hook(call: Call, turn: Turn) -> Play:
            return Play(str(path))

        async with scene(hook, texts=["go"]) as s:
            await s.say(400, then_s=4)
            assert heard(s) == [APOLOGY]

    play()


def test_a_recording_interrupted_by_a_noise_is_played_again(tmp_path: Path) -> None:
    path = tmp_path / "jingle.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone(1000).tobytes())

    @virtual_time
    async def play() -> None:
        class Jingle:
            async def greet(self, call: Call) -> list[object]:
                return [Play(path), "Hello.", Say("Important.", interruptible=False)]

        async with scene(Jingle(), texts=[""]) as s:
            await s.wait(0.5)
            await s.say(300, then_s=6)
            first, again = s.call.history
            assert first.interrupted
            assert again.heard == "[jingle.wav] Hello. Important."
            assert set(s.tts.texts) == {"Hello.", "Important."}

    play()


# Interruptions


class Reading:
    """Reads something long, and says what it was told of interruptions."""

    def __init__(self, *actions: Action | str, fails: bool = False) -> None:
        self.actions = actions
        self.fails = fails
        self.told: list[Interruption] = []

    async def greet(self, call: Call) -> str:
        return "Let me read you all of our terms and conditions."

    async def on_turn(self, call: Call, turn: Turn) -> str:
        return f"Right, {turn.text}."

    async def on_interrupted(
        self, call: Call, interruption: Interruption
    ) -> AsyncIterator[Action | str]:
        self.told.append(interruption)
        for action in self.actions:
            yield action
        if self.fails:
            raise ZeroDivisionError


@virtual_time
async def test_what_the_dialog_answers_to_an_interruption_is_not_spoken() -> None:
    reading = Reading("Oh!", Expect(("yes",)), Gather(digits=2), Hangup())
    async with scene(reading, texts=["stop"]) as s:
        await s.wait(1)
        await s.say(400, then_s=3)
        assert s.stt.current.expected == [("yes",)]
        assert heard(s)[1:] == ["Right, stop."]
        assert s.keeper.commits == []
        assert len(reading.told) == 1


@virtual_time
async def test_a_dialog_that_fails_to_note_an_interruption() -> None:
    async with scene(Reading(fails=True), texts=["stop"]) as s:
        await s.wait(1)
        await s.say(400, then_s=3)
        assert s.counts.failed_hooks == {"on_interrupted": 1}
        assert heard(s)[1:] == ["Right, stop."]


class Streaming(Reading):
    """Reads something out, sentence by sentence, while it is still being made."""

    def __init__(self, *end: object) -> None:
        super().__init__()
        self.end = end
        self.given = 0

    async def greet(self, call: Call) -> AsyncIterator[object]:  # type: ignore[override]
        for number in ("one", "two", "three"):
            self.given += 1
            yield f"This is number {number}. "
            await asyncio.sleep(0.9)
        for action in self.end:
            yield action


@virtual_time
async def test_a_noise_does_not_end_a_reply_that_is_still_being_made() -> None:
    streaming = Streaming(Gather(digits=2), "Now press two keys.")
    async with scene(streaming, texts=["", ""]) as s:
        await s.wait(0.5)
        await s.say(300, then_s=2.5)
        await s.say(300, then_s=6)
        rest = s.tts.texts[s.tts.texts.index("This is number two.") :]
        assert streaming.given == 3
        assert rest[-1] == "Now press two keys."
        assert s.tts.texts.count("This is number one.") == 2
        said = [entry.heard for entry in s.call.history]
        for sentence in ("one.", "two.", "three.", "keys."):
            assert sum(sentence in text for text in said) == 1
        # The hook was running at the first noise, and was not disturbed.
        assert len(streaming.told) == 1


@virtual_time
async def test_a_noise_before_a_goodbye_that_is_still_being_made() -> None:
    async with scene(Streaming("Goodbye.", Hangup("done")), texts=[""]) as s:
        await s.wait(0.5)
        s.phone.speak(300)
        assert await s.ended() == StreamEnd("bot", "done")
        assert s.call.history[-1].heard.endswith("Goodbye.")


@pytest.mark.parametrize("after_s", [0.5, 2.3])
@virtual_time
async def test_words_end_a_reply_that_is_still_being_made(after_s: float) -> None:
    """Perhaps the hook came to its goodbye while nobody knew yet that these were words."""
    streaming = Streaming(Hangup("done"))
    async with scene(streaming, stt=Recognizer(["stop"], delay_s=1.4)) as s:
        await s.wait(after_s)
        await s.say(400, then_s=5)
        assert streaming.told == [Interruption(s.call.history[0].text, s.call.history[0].heard)]
        assert heard(s)[1:] == ["Right, stop."]
        assert s.keeper.commits == []
        assert not s.session.conversation.leaving


@virtual_time
async def test_an_interruption_is_told_before_the_next_turn() -> None:
    order: list[str] = []

    class Slow(Reading):
        async def on_interrupted(  # type: ignore[override]
            self, call: Call, interruption: Interruption
        ) -> None:
            await asyncio.sleep(1.5)
            order.append("interrupted")

        async def on_turn(self, call: Call, turn: Turn) -> str:
            order.append("turn")
            return "Yes?"

    async with scene(Slow(), texts=["stop"]) as s:
        await s.wait(1)
        await s.say(400, then_s=4)
        assert heard(s)[1:] == ["Yes?"]
    assert order == ["interrupted", "turn"]


@virtual_time
async def test_words_that_turn_out_to_be_none_bring_the_turn_back() -> None:
    """An interim transcript stops the hook; the final one says that there was nothing."""
    turns: list[str] = []

    async def slow(call: Call, turn: Turn) -> str:
        turns.append(turn.text)
        await asyncio.sleep(1.5)
        return "Here you are."

    async with scene(slow, stt=Recognizer(["a pizza", ""])) as s:
        await s.say(400, then_s=0.8)
        s.phone.speak(300)
        await s.wait(0.3)
        s.stt.current.hear("uh")
        await s.wait(0.05)
        assert s.call.history == []
        await s.wait(5)
        assert turns == ["a pizza", "a pizza"]
        assert s.history == [
            ("caller", "a pizza", "a pizza"),
            ("bot", "Here you are.", "Here you are."),
        ]


@virtual_time
async def test_what_must_not_be_interrupted_is_not() -> None:
    class Warning:
        async def greet(self, call: Call) -> list[object]:
            return [Say("This call is recorded.", interruptible=False), "Hello there, caller."]

        async def on_turn(self, call: Call, turn: Turn) -> str:
            return "Fine."

    async with scene(Warning(), texts=["stop"]) as s:
        await s.wait(0.2)
        await s.say(300, then_s=5)
        assert s.call.history[0].heard.startswith("This call is recorded.")
        assert heard(s)[-1] == "Fine."


@virtual_time
async def test_an_unheard_prompt_takes_no_earlier_turn_back() -> None:
    async def silent(call: Call, turn: Turn) -> None:
        return None

    async with scene(silent, texts=["one", "two"], turn=TurnSettings(idle_ms=2000)) as s:
        await s.say(400, then_s=2.4)
        s.phone.speak(500)
        await s.wait(3)
        assert [e.text for e in s.call.history if e.role == "caller"] == ["one", "two"]


# Coming back


@virtual_time
async def test_a_call_without_words_comes_back_in_silence() -> None:
    class Quiet:
        async def greet(self, call: Call) -> str:
            return "Hello."

    async with scene(Quiet(), resuming=True) as s:
        await s.wait(1)
        assert s.call.history == []


@virtual_time
async def test_the_language_that_is_spoken_already() -> None:
    async def hook(call: Call, turn: Turn) -> list[object]:
        return [SetLanguage("en-US"), "Still English."]

    async with scene(hook, texts=["go"]) as s:
        await s.say(400, then_s=3)
        assert heard(s) == ["Still English."]
        assert len(s.stt.streams) == 1


@virtual_time
async def test_a_language_that_is_not_on_offer_does_not_end_the_call() -> None:
    async def hook(call: Call, turn: Turn) -> list[object]:
        return [SetLanguage("de-DE"), "Guten Tag."] if turn.text == "german" else ["All right."]

    async with scene(hook, texts=["german", "english"]) as s:
        await s.say(400, then_s=8)
        await s.say(400, then_s=3)
        assert heard(s) == [APOLOGY, "All right."]
        assert s.call.language == "en-US"
        assert len(s.stt.streams) == 1


def test_the_conversation_knows_when_it_is_replying() -> None:
    @virtual_time
    async def reply() -> None:
        async def slow(call: Call, turn: Turn) -> str:
            await asyncio.sleep(1)
            return "Done."

        async with scene(slow, texts=["go"]) as s:
            conversation: Conversation = s.session.conversation
            await s.wait(0.1)
            assert not conversation.replying
            await s.say(400, then_s=0.9)
            assert conversation.replying
            await s.wait(2)
            assert not conversation.replying

    reply()


@virtual_time
async def test_keys_beyond_what_can_wait_are_left_out() -> None:
    answered: list[str] = []
    go_on = asyncio.Event()

    class Slow:
        async def on_dtmf(self, call: Call, digits: str) -> None:
            await go_on.wait()
            answered.append(digits)

    async with scene(Slow()) as s:
        await s.wait(0.1)
        for _ in range(MAX_REPLIES + 10):
            s.session._key("1", s.session.now_ms())
        go_on.set()
        await s.wait(1)
        assert len(answered) == MAX_REPLIES


# Hooks that do not end when they are told to


class Lingering:
    """Cleans up for long when it is cancelled: a request of its own hangs."""

    def __init__(self) -> None:
        self.turns = 0

    async def on_turn(self, call: Call, turn: Turn) -> AsyncIterator[str]:
        self.turns += 1
        if self.turns > 1:
            yield "Here I am."
            return
        try:
            yield "One moment please. "
            await asyncio.sleep(600)
        finally:
            await asyncio.sleep(600)


@virtual_time
async def test_the_next_reply_does_not_wait_for_a_hook_that_lingers() -> None:
    async with scene(Lingering(), texts=["go", "stop"], hook_timeout_s=60) as s:
        await s.say(400, then_s=4)
        await s.say(400, then_s=6)
        assert heard(s)[-1] == "Here I am."


@virtual_time
async def test_a_hook_that_lingers_when_its_time_is_over() -> None:
    async with scene(Lingering(), texts=["go"]) as s:
        await s.say(400, then_s=10)
        assert heard(s) == [f"One moment please. {APOLOGY}"]
        assert s.counts.failed_hooks == {"on_turn": 1}
        assert not s.running.done()


@virtual_time
async def test_a_call_ends_though_its_hook_lingers() -> None:
    async with scene(Lingering(), texts=["go"], hook_timeout_s=60) as s:
        await s.say(400, then_s=4)
        began_s = asyncio.get_running_loop().time()
        s.phone.hang_up()
        await s.ended()
        assert asyncio.get_running_loop().time() - began_s < 5
