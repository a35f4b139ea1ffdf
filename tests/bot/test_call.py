from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from bot.dialog import (
    Call,
    Expect,
    Gather,
    Hangup,
    HistoryEntry,
    Interruption,
    SendDigits,
    SetLanguage,
    Transfer,
    Turn,
)
from bot.disk import Disk
from bot.late_audio import LOST_MS
from bot.parts import StreamEnd
from bot.recording import CallRecording
from bot.turn import TurnSettings
from media.audio import Samples, pcm_to_ulaw
from media.files import read_wav
from media.messages import Media
from media.twilio import render_event
from providers.errors import UnavailableError, UnsupportedError
from tests.bot.engines import Recognizer, Tones, tone
from tests.bot.sessions import APOLOGY_MS, FAREWELL, STREAM, Keeper, scene
from tests.virtual_time import virtual_time

GREETING = "Good morning. What can I do for you?"


class Echo:
    def __init__(self) -> None:
        self.interruptions: list[Interruption] = []

    async def greet(self, call: Call) -> str:
        return GREETING

    async def on_turn(self, call: Call, turn: Turn) -> str:
        return f"You said {turn.text}."

    async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
        self.interruptions.append(interruption)


# The whole ring


@virtual_time
async def test_a_conversation() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(3)
        assert s.history == [("bot", GREETING, GREETING)]
        await s.say(then_s=3)
        reply = "You said hello."
        assert s.history[1:] == [("caller", "hello", "hello"), ("bot", reply, reply)]
    assert await s.ended() == StreamEnd("stop", "stream stopped")
    assert s.phone.closed == 1000
    assert not s.phone.clears_ms
    assert s.counts.turns == 1
    assert s.counts.media_out > 0
    assert s.counts.marks == s.phone.marks > 0
    assert s.phone.speech_ms == pytest.approx((len(GREETING) + len(reply) - 1) * 50, abs=100)


@virtual_time
async def test_times_in_the_history_are_those_of_the_sound() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(4)
        began_ms = s.phone.now_ms
        await s.say(600, then_s=3)
        caller, reply = s.call.history[1:]
    assert caller.start_ms == pytest.approx(began_ms, abs=60)
    assert caller.end_ms == pytest.approx(began_ms + 600, abs=60)
    assert reply.start_ms == pytest.approx(began_ms + 600 + 550, abs=80)
    assert reply.end_ms - reply.start_ms == pytest.approx(len(reply.text) * 50, abs=40)


@virtual_time
async def test_how_long_an_answer_took() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(3)
        await s.say(then_s=3)
    (latency,) = s.counts.latencies
    assert latency.endpointing_ms == pytest.approx(550, abs=60)
    assert latency.reply_ms < 20


@virtual_time
async def test_a_turn_without_an_answer_counts_for_no_latency() -> None:
    class Silent:
        async def on_turn(self, call: Call, turn: Turn) -> None:
            return None

    async with scene(Silent(), texts=["hello"], turn=TurnSettings(idle_ms=2000)) as s:
        await s.say(then_s=6)
        assert "Are you still there?" in s.tts.texts
    assert s.counts.latencies == []


@pytest.mark.parametrize("every_ms", [0, 1, 8])
def test_words_that_the_network_brings_late_are_still_in_the_same_turn(every_ms: float) -> None:
    @virtual_time
    async def talk() -> None:
        async with scene(Echo(), texts=["hello there", "there"]) as s:
            await s.wait(3)
            began_ms = s.phone.now_ms
            s.phone.play(np.concatenate([tone(600), np.zeros(300 * 8, np.int16), tone(600)]))
            await s.wait(0.6 + 0.28)
            await s.phone.stall(400, every_ms)
            await s.wait(3)
        caller, reply = s.call.history[1:]
        assert (caller.role, caller.text) == ("caller", "hello there")
        assert reply.start_ms == pytest.approx(began_ms + 1_500 + 550, abs=80)

    talk()


@virtual_time
async def test_a_caller_of_whom_nothing_comes_any_more_is_answered_all_the_same() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(3)
        began_ms = s.phone.now_ms
        s.phone.speak(600)
        await s.wait(0.6 + 0.28)
        await s.phone.stall(5_000)
        await s.wait(1)
    caller, reply = s.call.history[1:]
    assert caller.text == "hello"
    assert reply.start_ms == pytest.approx(began_ms + 600 + 550 + LOST_MS, abs=80)


# Barge-in


@virtual_time
async def test_a_barge_in_clears_and_keeps_what_was_heard() -> None:
    echo = Echo()
    async with scene(echo, texts=["stop"]) as s:
        await s.wait(1)
        began_ms = s.phone.now_ms
        await s.say(600, then_s=3)
        assert len(s.phone.clears_ms) == 1
        assert s.phone.clears_ms[0] - began_ms < 250
        greeting = s.call.history[0]
        assert greeting.interrupted
        # 220 ms of the second sentence: in its third word at most.
        assert greeting.heard in {"Good morning. What", "Good morning. What can"}
        assert echo.interruptions == [Interruption(GREETING, greeting.heard)]
        assert s.history[1:] == [
            ("caller", "stop", "stop"),
            ("bot", "You said stop.", "You said stop."),
        ]
    assert s.counts.barge_ins == s.counts.clears == 1
    (barge_in_ms,) = s.counts.barge_ins_ms
    assert 0 <= barge_in_ms < 1


@virtual_time
async def test_how_late_a_clear_is() -> None:
    """The decision counts from when there was enough speech, though nothing could be sent then."""
    async with scene(Echo(), texts=["stop"]) as s:
        await s.wait(1)
        s.phone.stuck.clear()
        s.phone.speak(600)
        await s.wait(0.5)
        assert not s.phone.clears_ms
        s.phone.stuck.set()
        await s.wait(1)
    assert s.counts.barge_ins_ms == [pytest.approx(500 - 160, abs=60)]


@virtual_time
async def test_a_barge_in_by_a_key_is_no_decision_of_the_vad() -> None:
    async with scene(Echo()) as s:
        await s.wait(1)
        s.phone.press("5")
        await s.wait(1)
    assert s.counts.clears == 1
    assert s.counts.barge_ins_ms == []


@virtual_time
async def test_a_noise_that_interrupted_lets_the_bot_go_on() -> None:
    async with scene(Echo(), texts=[""]) as s:
        await s.wait(1)
        await s.say(300, then_s=5)
        first, again = s.call.history
        assert first.interrupted
        assert again.text == again.heard == "What can I do for you?"
    assert s.tts.texts == ["Good morning.", *["What can I do for you?"] * 2]


@virtual_time
async def test_words_while_the_hook_runs_join_the_turn() -> None:
    turns: list[str] = []

    async def slow(call: Call, turn: Turn) -> str:
        turns.append(turn.text)
        call.state["seen"] = turn.text
        await asyncio.sleep(1.5)
        return f"So {turn.text}."

    async with scene(slow, texts=["I want", "a pizza"]) as s:
        await s.say(400, then_s=0.7)
        assert turns == ["I want"]
        await s.say(400, then_s=5)
        assert turns == ["I want", "I want a pizza"]
        assert s.call.state == {"seen": "I want a pizza"}
        said = "So I want a pizza."
        assert s.history == [
            ("caller", "I want a pizza", "I want a pizza"),
            ("bot", said, said),
        ]
    assert not s.phone.clears_ms


@virtual_time
async def test_words_after_a_reply_that_waits_join_the_turn() -> None:
    """The reply is ready, but the caller has begun to say more."""
    turns: list[str] = []

    async def hook(call: Call, turn: Turn) -> str:
        turns.append(turn.text)
        await asyncio.sleep(0.2)
        return f"So {turn.text}."

    async with scene(hook, texts=["I want", "a pizza"]) as s:
        # The second sound begins before the first turn's reply is there.
        s.phone.speak(400)
        await s.wait(0.9)
        s.phone.speak(800)
        await s.wait(6)
        said = "So I want a pizza."
        assert s.history == [
            ("caller", "I want a pizza", "I want a pizza"),
            ("bot", said, said),
        ]
    assert turns[-1] == "I want a pizza"


@virtual_time
async def test_a_noise_while_the_hook_runs_only_delays_the_reply() -> None:
    async def slow(call: Call, turn: Turn) -> str:
        await asyncio.sleep(0.5)
        return "Here you are."

    async with scene(slow, texts=["hello", ""]) as s:
        s.phone.speak(400)
        await s.wait(1.0)
        s.phone.speak(300)
        await s.wait(6)
        assert s.history == [
            ("caller", "hello", "hello"),
            ("bot", "Here you are.", "Here you are."),
        ]


@virtual_time
async def test_an_interruption_while_the_synthesizer_works() -> None:
    """Only a part of the sentence is there: what was heard is a part of it."""
    async with scene(Echo(), texts=["stop"], tts=Tones(pace_s=0.15)) as s:
        await s.wait(0.8)
        await s.say(600, then_s=4)
        greeting = s.call.history[0]
        assert greeting.interrupted
        assert greeting.heard
        assert greeting.heard != greeting.text


@virtual_time
async def test_an_interruption_cancels_every_reply_in_the_making() -> None:
    """A key's answer waits for that of a turn; words stop both."""
    finished: list[str] = []

    class Slow:
        async def on_turn(self, call: Call, turn: Turn) -> str:
            await asyncio.sleep(0.2 if turn.text.endswith("more") else 1.9)
            finished.append(turn.text)
            return f"About {turn.text}."

        async def on_dtmf(self, call: Call, digits: str) -> str:
            return f"Key {digits}."

    async with scene(Slow(), texts=["one", "more"], hook_timeout_s=5) as s:
        await s.say(400, then_s=0.8)
        s.phone.press("5")
        await s.wait(0.1)
        await s.say(400, then_s=6)
        assert finished == ["one more"]
        assert s.history[-1] == ("bot", "About one more.", "About one more.")


# Losing the stream


@virtual_time
async def test_a_stream_lost_in_mid_sentence_keeps_what_was_heard() -> None:
    async with scene(Echo()) as s:
        await s.wait(1)
        s.phone.drop()
        end = await s.ended()
        assert end == StreamEnd("closed", "socket closed by the peer")
        (greeting,) = s.call.history
        assert greeting.text == GREETING
        assert greeting.heard
        assert GREETING.startswith(greeting.heard)
        assert len(greeting.heard) * 50 < 1500


@virtual_time
async def test_a_stream_lost_while_the_synthesizer_works() -> None:
    """All the audio there was had been played, but it was not the whole sentence."""
    sentence = "A sentence of which only the beginning was synthesized"

    class Greeter:
        async def greet(self, call: Call) -> str:
            return sentence

    async with scene(Greeter(), tts=Tones(chunk_ms=400, pace_s=1.5)) as s:
        await s.wait(2.7)
        s.phone.drop()
        await s.ended()
        assert 0 < len(s.call.history[0].heard) < len(sentence) / 2


@virtual_time
async def test_a_peer_that_takes_nothing_is_gone() -> None:
    async with scene(Echo()) as s:
        s.phone.stuck.clear()
        s.phone.closable.clear()
        began_ms = s.phone.now_ms
        end = await s.ended()
        assert end == StreamEnd("closed", "the peer takes nothing any more")
        assert s.phone.now_ms - began_ms < 7_500


@virtual_time
async def test_a_peer_that_is_gone_when_we_send() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(3)
        s.phone.closed = 1006
        s.phone.speak(400)
        assert (await s.ended()).how == "closed"


@virtual_time
async def test_garbage_from_the_peer_is_counted_and_survived() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        bad: list[str | bytes] = [
            "",
            "no JSON",
            "[]",
            "{}",
            b"\x00\xff",
            '{"event":"media"}',
            "x" * 70_000,
        ]
        for message in bad:
            s.phone.send_raw(message)
        s.phone.send_raw('{"event":"whatever"}')
        s.phone.send_raw('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await s.wait(3)
        await s.say(then_s=2)
        assert s.counts.bad_messages == len(bad) + 2
        assert s.history[-1] == ("bot", "You said hello.", "You said hello.")


@virtual_time
async def test_six_seconds_of_audio_in_one_message() -> None:
    async with scene(Echo(), texts=["long"]) as s:
        await s.wait(3)
        s.phone.send_raw(render_event(Media(pcm_to_ulaw(tone(5500)), 1, 0, 1), STREAM))
        await s.wait(4)
        assert ("caller", "long", "long") in s.history
        assert len(s.stt.current.audio) / 32 > 5400


@virtual_time
async def test_stopped_from_outside() -> None:
    async with scene(Echo()) as s:
        await s.wait(1)
        s.session.stop("superseded")
        s.session.stop("again")
        assert await s.ended() == StreamEnd("elsewhere", "superseded")


@virtual_time
async def test_a_call_that_ends_leaves_no_timer() -> None:
    loop = asyncio.get_running_loop()
    async with scene(Echo()) as s:
        await s.wait(3)
    timers = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    assert timers == []


@virtual_time
async def test_an_error_of_ours_ends_the_stream_and_frees_everything() -> None:
    class Broken(Keeper):
        def note(self, kind: str, **fields: object) -> None:
            raise ZeroDivisionError

    async with scene(Echo(), keeper=Broken()) as s:
        with pytest.raises(ExceptionGroup) as caught:
            await s.ended()
        assert caught.group_contains(ZeroDivisionError)
        assert s.phone.closed == 1000
        # The caller heard the first mark's audio: it is in the history.
        assert s.call.history[0].heard
        s.fails = True


@virtual_time
async def test_speech_that_is_judged_while_the_call_ends_starts_nothing() -> None:
    """The recognizer takes its time to close; meanwhile a turn must not begin."""

    class Slow(Recognizer):
        def stream(self, options: object) -> object:  # type: ignore[override]
            from contextlib import asynccontextmanager

            inner = super().stream(options)  # type: ignore[arg-type]

            @asynccontextmanager
            async def slowly() -> AsyncIterator[object]:
                async with inner as stream:
                    try:
                        yield stream
                    finally:
                        await asyncio.sleep(3)
                        raise UnavailableError("recognizer", "closing failed", retryable=False)

            return slowly()

    turns = []

    async def hook(call: Call, turn: Turn) -> str:
        turns.append(turn.text)
        return "Too late."

    async with scene(hook, stt=Slow(["hello"])) as s:
        s.phone.speak(2000)
        await s.wait(1)
        s.phone.hang_up()
        async with asyncio.timeout(10):
            await s.ended()
    assert turns == []


# Coming back


@virtual_time
async def test_a_call_that_goes_on_repeats_what_was_not_heard() -> None:
    call = Call("CA1", "", "", "inbound")
    call.history.append(HistoryEntry("bot", GREETING, "Good morning. What", 0, 900))
    async with scene(Echo(), call=call, resuming=True) as s:
        await s.wait(3)
    assert s.tts.texts == ["What can I do for you?"]


# Leaving


@virtual_time
async def test_hanging_up_after_the_last_word() -> None:
    async def bye(call: Call, turn: Turn) -> list[object]:
        return ["Goodbye.", Hangup("done")]

    async with scene(bye, texts=["bye"]) as s:
        s.phone.speak(400)
        assert await s.ended() == StreamEnd("bot", "done")
        assert s.keeper.commits == [Hangup("done")]
        assert s.history[-1] == ("bot", "Goodbye.", "Goodbye.")
        assert s.phone.speech_ms == pytest.approx(400, abs=60)


@pytest.mark.parametrize(
    ("action", "reason"), [(Transfer("+15550000000"), "transfer"), (SendDigits("12"), "digits")]
)
def test_leaving_otherwise(action: Transfer | SendDigits, reason: str) -> None:
    @virtual_time
    async def leave() -> None:
        async def hook(call: Call, turn: Turn) -> object:
            return action

        async with scene(hook, texts=["go"]) as s:
            s.phone.speak(400)
            assert await s.ended() == StreamEnd("bot", reason)
            assert s.keeper.commits == [action]

    leave()


@virtual_time
async def test_a_goodbye_is_not_interrupted() -> None:
    async def bye(call: Call, turn: Turn) -> list[object]:
        return ["Goodbye, and thank you for calling.", Hangup()]

    async with scene(bye, texts=["bye", "wait"]) as s:
        await s.say(400, then_s=1)
        s.phone.speak(600)
        assert (await s.ended()).how == "bot"
        assert not s.phone.clears_ms


@virtual_time
async def test_what_cannot_be_stored_is_not_done() -> None:
    async def hook(call: Call, turn: Turn) -> object:
        return ["Goodbye.", Hangup()] if turn.text == "bye" else "Still here."

    async with scene(hook, texts=["bye", "hello"], keeper=Keeper(refuse=1)) as s:
        await s.say(then_s=3)
        assert s.keeper.commits == [Hangup()]
        await s.say(then_s=3)
        assert s.history[-1] == ("bot", "Still here.", "Still here.")


@virtual_time
async def test_a_peer_that_confirms_nothing_does_not_keep_the_call() -> None:
    async def bye(call: Call, turn: Turn) -> list[object]:
        return ["Goodbye.", Hangup()]

    async with scene(bye, texts=["bye"]) as s:
        s.phone.echoes = False
        s.phone.speak(400)
        assert (await s.ended()).how == "bot"


# Silence, and too much of it


@virtual_time
async def test_a_silent_caller_is_prompted_then_left() -> None:
    async with scene(Echo(), turn=TurnSettings(idle_ms=3000, idle_prompts=2)) as s:
        assert await s.ended() == StreamEnd("bot", "idle")
        assert s.tts.texts[2:] == ["Are you still there?"] * 2
        assert s.phone.now_ms == pytest.approx(3 * 3000 + 1800 + 250 + 2 * 1000, abs=400)


@virtual_time
async def test_the_longest_call() -> None:
    async with scene(Echo(), turn=TurnSettings(max_duration_ms=1000)) as s:
        assert await s.ended() == StreamEnd("bot", "max_duration")
        # The greeting was heard to its end.
        assert s.call.history[0].heard == GREETING


@virtual_time
async def test_a_call_at_its_end_that_cannot_be_stored_goes_on() -> None:
    settings = TurnSettings(idle_ms=2000, idle_prompts=0)
    async with scene(Echo(), texts=["hello"], turn=settings, keeper=Keeper(refuse=1)) as s:
        await s.wait(5)
        assert s.keeper.commits == [Hangup("idle")]
        await s.say(then_s=1.5)
        assert s.history[-2] == ("caller", "hello", "hello")
        assert (await s.ended()) == StreamEnd("bot", "idle")


# Keys


class Keypad:
    def __init__(self, *first: object) -> None:
        self.first = list(first)
        self.digits: list[str] = []

    async def greet(self, call: Call) -> list[object]:
        return [*self.first, GREETING]

    async def on_dtmf(self, call: Call, digits: str) -> str:
        self.digits.append(digits)
        return f"Key {digits}."


@virtual_time
async def test_a_key_stops_the_bot_and_is_answered() -> None:
    keypad = Keypad()
    async with scene(keypad) as s:
        await s.wait(1)
        s.phone.press("7")
        await s.wait(3)
        assert len(s.phone.clears_ms) == 1
        assert s.history[-1] == ("bot", "Key 7.", "Key 7.")
    assert ("key", "7") in [(kind, fields.get("digit")) for kind, fields in s.keeper.notes]


@virtual_time
async def test_gathered_keys() -> None:
    keypad = Keypad(Gather(timeout_s=2))
    async with scene(keypad) as s:
        await s.wait(1)
        s.phone.press("12")
        await s.wait(1.5)
        s.phone.press("3")
        await s.wait(1.9)
        assert keypad.digits == []
        await s.wait(2)
        assert keypad.digits == ["123"]


@virtual_time
async def test_keys_in_a_row_are_all_answered() -> None:
    keypad = Keypad()
    async with scene(keypad) as s:
        await s.wait(3)
        s.phone.press("123")
        await s.wait(6)
        assert keypad.digits == ["1", "2", "3"]


# What the dialog asks of the recognizer


@virtual_time
async def test_expected_phrases_and_language() -> None:
    class Polyglot:
        async def greet(self, call: Call) -> list[object]:
            return [Expect(("yes", "no")), SetLanguage("fr-FR", "denise"), "Bonjour."]

    async with scene(Polyglot()) as s:
        await s.wait(2)
        assert s.stt.current.options.language == s.call.language == "fr-FR"
        assert s.stt.current.options.phrases == ("yes", "no")
        (spoken,) = s.tts.spoken
        assert (spoken[1].language, spoken[1].voice) == ("fr-FR", "denise")


@virtual_time
async def test_the_recognizers_own_end_of_turn() -> None:
    async with scene(Echo(), stt=Recognizer(utterances=False)) as s:
        await s.wait(3)
        s.phone.speak(800)
        await s.wait(0.5)
        s.stt.current.hear("hel")
        s.stt.current.hear("hello", final=True)
        s.stt.current.end_turn()
        await s.wait(0.1)
        assert ("caller", "hello", "hello") in s.history


@virtual_time
async def test_words_that_the_vad_does_not_notice_end_where_the_recognizer_says() -> None:
    async with scene(Echo(), stt=Recognizer(["hello there"], utterances=False)) as s:
        await s.wait(3)
        s.stt.current.hear("hello there", end_ms=2_500)
        await s.wait(0.4)
        assert len(s.history) == 1
        await s.wait(2)
        caller = s.call.history[1]
        assert caller.text == "hello there"
        assert caller.end_ms == pytest.approx(2_500, abs=60)


# A recognizer that fails


@virtual_time
async def test_a_recognizer_that_dies_is_opened_again() -> None:
    async with scene(Echo(), texts=["hello"]) as s:
        await s.wait(3)
        s.stt.current.fail(UnavailableError("recognizer", "died"))
        await s.wait(1)
        await s.say(then_s=3)
        assert len(s.stt.streams) == 2
        assert s.history[-1] == ("bot", "You said hello.", "You said hello.")


@pytest.mark.parametrize(
    ("fallback", "action"),
    [
        ("+15550000000", Transfer("+15550000000")),
        (None, Hangup("speech recognition is not available")),
    ],
)
def test_a_recognizer_that_cannot_be_had(fallback: str | None, action: object) -> None:
    @virtual_time
    async def fail() -> None:
        stt = Recognizer(failures=[UnsupportedError("recognizer", "no such language")])
        async with scene(Echo(), stt=stt, fallback_number=fallback) as s:
            assert await s.ended() == StreamEnd("error", "speech recognition is not available")
            assert s.keeper.commits == [action]
            assert s.history[-1] == ("bot", FAREWELL, FAREWELL)
            assert s.phone.speech_ms >= APOLOGY_MS - 20
            assert ("error", "stt") in [(kind, f.get("stage")) for kind, f in s.keeper.notes]

    fail()


# The recording


@virtual_time
async def test_the_recording_holds_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with Disk() as disk:
        async with scene(Echo(), texts=["stop"], recording=CallRecording(disk.open(path))) as s:
            await s.wait(1)
            await s.say(600, then_s=3)
            heard = s.call.history[0]
    wav = read_wav(path.read_bytes())
    caller, bot = (loud_ms(wav.samples[:, side]) for side in (0, 1))
    assert len(caller) * 20 == pytest.approx(600, abs=40)
    assert len(bot) * 20 == pytest.approx(s.phone.speech_ms, abs=100)
    # Nothing of the greeting after the barge-in, nor of the answer before it began.
    silence = range(round(heard.end_ms) + 20, s.call.history[2].start_ms - 20)
    assert len(silence) > 500
    assert not set(bot) & set(silence)


def loud_ms(samples: Samples) -> list[int]:
    """When the 20 ms frames with sound begin."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(int)
    return [20 * int(at) for at in np.flatnonzero(np.abs(frames).max(axis=1) > 1000)]
