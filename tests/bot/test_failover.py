"""Calls whose recognizer, or whose voice, is replaced by another while somebody speaks."""

from __future__ import annotations

from dataclasses import replace

from bot.dialog import Call, Hangup, Turn
from bot.parts import StreamEnd, Switch
from providers.errors import NetworkError, UnavailableError, UnsupportedError
from tests.bot.engines import Recognizer, Tones
from tests.bot.sessions import APOLOGY, Scene, scene
from tests.virtual_time import virtual_time

LOST = NetworkError("engine", "lost")
FIRST, SECOND = "A sentence that breaks off in its middle.", "And the next one."


async def echo(call: Call, turn: Turn) -> str:
    return f"You said {turn.text}."


async def two_sentences(call: Call, turn: Turn) -> list[str]:
    return [FIRST, SECOND]


def heard(s: Scene) -> list[str]:
    return [entry.heard for entry in s.call.history if entry.role == "bot"]


def at_ms(s: Scene, kind: str) -> int:
    [switch] = [switch for switch in s.keeper.switches if switch.kind == kind]
    return switch.at_ms


@virtual_time
async def test_what_the_caller_says_while_the_recognizer_is_replaced_is_understood() -> None:
    other = Recognizer(["hello"], name="other")
    async with scene(echo, texts=[None], more_stt=[other]) as s:
        await s.say(600, then_s=0.2)
        s.stt.current.fail(LOST)
        await s.wait(3)
        assert s.history == [
            ("caller", "hello", "hello"),
            ("bot", "You said hello.", "You said hello."),
        ]
        assert s.keeper.used == [("stt", "recognizer"), ("stt", "other"), ("tts", "tones")]
        assert s.keeper.switches == [
            Switch("stt", "recognizer", "other", at_ms(s, "stt"), "NetworkError")
        ]
        assert 700 < at_ms(s, "stt") < 900
        assert s.counts.provider_errors == {("stt", "recognizer"): 1}
        assert s.counts.switches == {("stt", "recognizer", "other"): 1}
        assert s.counts.stt_errors == 1
        assert s.counts.unheard_ms == 0


@virtual_time
async def test_half_of_what_the_caller_said_is_no_turn_though_the_other_half_is_late() -> None:
    other = Recognizer(["hello there"], name="other", opening_s=2.5)
    async with scene(echo, texts=[None], more_stt=[other]) as s:
        s.phone.speak(800)
        await s.wait(0.7)
        s.stt.current.hear("hello")
        await s.wait(0.3)
        s.stt.current.fail(LOST)
        await s.wait(6)
        assert [text for who, text, _ in s.history if who == "caller"] == ["hello there"]


@virtual_time
async def test_a_turn_whose_recognizer_stalled_is_not_said_again_by_the_next() -> None:
    one, other = Recognizer([None]), Recognizer([None], name="other")
    one.capabilities = other.capabilities = replace(one.capabilities, utterances=False)
    async with scene(echo, stt=one, more_stt=[other]) as s:
        await s.say(1500, then_s=0.1)
        one.current.hear("my name is angela", end_ms=1450)
        await s.wait(3)
        assert [text for who, text, _ in s.history if who == "caller"] == ["my name is angela"]
        one.current.fail(LOST)
        await s.wait(0.3)
        other.current.hear("my name is angela", final=True, end_ms=1650)
        await s.wait(4)
        assert [text for who, text, _ in s.history if who == "caller"] == ["my name is angela"]


@virtual_time
async def test_a_recognizer_that_cannot_be_opened_is_replaced_before_a_word_is_lost() -> None:
    first = Recognizer(failures=[UnavailableError("recognizer", "down")], opening_s=1)
    other = Recognizer(["hello"], name="other")
    async with scene(echo, stt=first, more_stt=[other]) as s:
        await s.say(600, then_s=3)
        assert s.history[0] == ("caller", "hello", "hello")
        assert [switch.after for switch in s.keeper.switches] == ["other"]


@virtual_time
async def test_a_call_ends_when_no_recognizer_is_left() -> None:
    refusing = [
        Recognizer(failures=[UnsupportedError(name, "no")] * 9, name=name) for name in ("a", "b")
    ]
    async with scene(echo, stt=refusing[0], more_stt=refusing[1:]) as s:
        assert await s.ended() == StreamEnd("error", "speech recognition is not available")
        assert s.counts.provider_errors == {("stt", "a"): 1, ("stt", "b"): 1}


@virtual_time
async def test_a_sentence_that_breaks_off_is_followed_by_the_next_in_another_voice() -> None:
    tts, other = Tones(fail={FIRST: (3, LOST)}), Tones(name="other")
    async with scene(two_sentences, texts=["go"], tts=tts, more_tts=[other]) as s:
        await s.say(400, then_s=4)
        # 600 ms of the first one, and no apology.
        assert heard(s) == [f"A sentence {SECOND}"]
        assert (tts.texts, other.texts) == ([FIRST], [SECOND])
        assert s.keeper.switches == [
            Switch("tts", "tones", "other", at_ms(s, "tts"), "NetworkError")
        ]
        assert s.counts.tts_errors == 1


@virtual_time
async def test_a_sentence_that_has_not_begun_is_spoken_whole_by_another_voice() -> None:
    tts, other = Tones(fail={FIRST: (0, LOST)}), Tones(name="other")
    async with scene(two_sentences, texts=["go"], tts=tts, more_tts=[other]) as s:
        await s.say(400, then_s=5)
        assert heard(s) == [f"{FIRST} {SECOND}"]
        assert other.texts == [FIRST, SECOND]


@virtual_time
async def test_a_sentence_that_nobody_has_begun_to_hear_is_spoken_whole_by_another_voice() -> None:
    tts, other = Tones(fail={SECOND: (1, LOST)}), Tones(name="other")
    async with scene(two_sentences, texts=["go"], tts=tts, more_tts=[other]) as s:
        await s.say(400, then_s=6)
        assert heard(s) == [f"{FIRST} {SECOND}"]
        assert (tts.texts, other.texts) == ([FIRST, SECOND], [SECOND])


@virtual_time
async def test_a_sentence_that_breaks_off_in_every_voice_is_cut() -> None:
    voices = [Tones(fail={SECOND: (1, LOST)}, name=name) for name in ("one", "other")]
    async with scene(two_sentences, texts=["go"], tts=voices[0], more_tts=voices[1:]) as s:
        await s.say(400, then_s=6)
        assert [voice.texts.count(SECOND) for voice in voices] == [1, 1]
        assert heard(s)[0].startswith(FIRST)
        assert SECOND not in heard(s)[0]


@virtual_time
async def test_an_action_behind_a_sentence_that_breaks_off_is_done() -> None:
    async def goodbye(call: Call, turn: Turn) -> list[object]:
        return [FIRST, Hangup()]

    tts = Tones(fail={FIRST: (3, LOST)})
    async with scene(goodbye, texts=["go"], tts=tts, more_tts=[Tones(name="other")]) as s:
        s.phone.speak(400)
        assert await s.ended() == StreamEnd("bot", "dialog")
        assert heard(s) == ["A sentence"]


@virtual_time
async def test_the_apology_is_said_when_no_voice_is_left() -> None:
    tts, other = (Tones(fail={FIRST: (0, LOST)}, name=name) for name in ("one", "other"))
    async with scene(two_sentences, texts=["go"], tts=tts, more_tts=[other]) as s:
        await s.say(400, then_s=4)
        assert heard(s) == [APOLOGY]
        assert s.counts.provider_errors == {("tts", "one"): 1, ("tts", "other"): 1}


@virtual_time
async def test_a_voice_that_is_slow_is_not_waited_for() -> None:
    tts, other = Tones(pace_s=2), Tones(name="other")
    async with scene(two_sentences, texts=["go"], tts=tts, more_tts=[other], tts_hedge_ms=200) as s:
        await s.say(400, then_s=4)
        assert heard(s) == [f"{FIRST} {SECOND}"]
        assert (tts.texts, other.texts) == ([FIRST], [FIRST, SECOND])
        # Nobody has failed; who was first heard is who is used.
        assert s.keeper.used[-1] == ("tts", "other")
        assert s.keeper.switches == []
        assert s.counts.tts_errors == 0
