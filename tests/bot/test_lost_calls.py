"""What the next worker says, whatever its predecessor was doing when it was killed."""

from __future__ import annotations

import asyncio

import pytest

from bot.dialog import Call, Gap, Interruption, Turn
from bot.parts import StreamEnd
from bot.record import Record
from bot.telephony.pending import SayByTwilio
from bot.turn import TurnSettings
from media.audio import pcm_to_ulaw
from providers.errors import UnavailableError
from tests.bot.engines import Tones, tone
from tests.bot.lost_calls import (
    ANSWER,
    GAP_MS,
    GREETING,
    Resuming,
    Shelf,
    Shop,
    bot_heard,
    lose,
    stream,
)
from tests.bot.sessions import APOLOGY
from tests.virtual_time import virtual_time


async def every_instant(*, streams: bool) -> list[bytes]:
    """All that a call has saved from its beginning to some time after its one answer."""
    shelf = Shelf()
    async with stream(Shop(streams=streams), shelf, texts=["tea"]) as s:
        await s.wait(2.6)
        await s.say(400, then_s=5)
        assert bot_heard(s) == " | ".join([" ".join(GREETING), " ".join(ANSWER)])
        return list(dict.fromkeys(shelf.saved))


@pytest.mark.parametrize("streams", [False, True])
@virtual_time
async def test_killed_at_any_instant(streams: bool) -> None:
    stages: dict[str, list[bytes]] = {}
    for left in await every_instant(streams=streams):
        record = Record.from_json(left)
        stage = stage_of(record)
        stages[stage] = await check_going_on(record, streams=streams)
    # A hook that streams is over when the last of it is being heard.
    assert stages.keys() >= {"greeting", "listening", "speaking", "asked", "answered"}
    assert ("answering" in stages) is not streams
    # The next worker is killed as well, when it has noted the first loss.
    for left in stages["asked"][1:]:
        await check_going_on(Record.from_json(left), streams=streams, losses=2)


async def check_going_on(record: Record, *, streams: bool, losses: int = 1) -> list[bytes]:
    """Carry the call on from its record, and check that nothing is lost and nothing said twice.

    Gives all that it has saved then.
    """
    stage = stage_of(record)
    before = [entry for entry in record.history if entry.role == "bot"]
    shop, shelf, tts = Shop(streams=streams), Shelf(), Tones()
    heard = " ".join(entry.heard for entry in before)
    if stage == "new":
        return []
    async with stream(shop, shelf, record, tts=tts) as s:
        await s.wait(5.5)
        said = tts.texts
        assert [turn.retried for turn in shop.turns] == [True] * (stage == "asked")
        for sentence in [*GREETING, *ANSWER]:
            # Nothing that was heard whole is said again, and nothing twice.
            assert said.count(sentence) <= (0 if sentence in heard else 1)
        if stage in {"asked", "answering", "answered"}:
            assert s.call.state == {"greeted": True, "orders": ["tea"], "answered": 1}
            callers = [entry.text for entry in s.call.history if entry.role == "caller"]
            assert callers == ["tea"]
        spoken = [
            sentence
            for entry in s.call.history
            if entry.role == "bot"
            for sentence in [*GREETING, *ANSWER]
            if sentence in entry.heard
        ]
        answered = stage in {"asked", "answering", "answered"}
        assert spoken == [*GREETING, *(ANSWER if answered else [])]
        lost = stage == "speaking" and set(GREETING) <= set(heard_sentences(heard))
        assert (APOLOGY in bot_heard(s)) is lost
    left = shelf.record()
    assert left.open_turn is None
    assert (left.counters["gaps"], left.counters["lost_ms"]) == (losses, losses * GAP_MS)
    return list(dict.fromkeys(shelf.saved))


def heard_sentences(heard: str) -> list[str]:
    return [sentence for sentence in [*GREETING, *ANSWER] if sentence in heard]


def stage_of(record: Record) -> str:
    if record.open_turn is not None:
        return "asked"
    if not record.history:
        return "new"
    if record.speaking_from_ms is not None:
        return "speaking"
    last = record.history[-1]
    if any(entry.role == "caller" for entry in record.history):
        return "answered" if last.heard == last.text else "answering"
    return "listening" if last.heard == last.text else "greeting"


# What the dialog is told


@virtual_time
async def test_a_break_is_known_to_the_dialog_and_the_record() -> None:
    shelf, again = Shelf(), Shelf()
    async with stream(Shop(), shelf, texts=["tea"]) as s:
        await s.wait(3)
        s.phone.speak(600)
        await s.wait(0.5)
        left = shelf.record()
    assert left.speaking_from_ms == pytest.approx(3000, abs=60)
    shop = Resuming("There you are.")
    async with stream(shop, again, left) as s:
        await s.wait(2)
        assert bot_heard(s).endswith("| There you are.")
    assert shop.resumed == [("", Gap(GAP_MS, speech_lost=True))]
    gap = {"gap_ms": GAP_MS, "speech_lost": True, "stream_ms": 60_000}
    assert [fields for kind, fields in again.events if kind == "gap"] == [gap]
    record = again.record()
    assert record.notes == ["the caller was speaking when the stream was lost"]
    assert (record.counters["gaps"], record.counters["lost_ms"]) == (1, GAP_MS)
    assert record.speaking_from_ms is None


@virtual_time
async def test_without_a_greeting_lost_words_are_asked_for() -> None:
    async def hook(call: Call, turn: Turn) -> str:
        return "Yes."

    shelf = Shelf()
    async with stream(hook, shelf) as s:
        s.phone.speak(600)
        await s.wait(0.5)
        left = shelf.record()
    async with stream(hook, Shelf(), left, resuming=False) as s:
        await s.wait(1)
        assert bot_heard(s) == APOLOGY


@virtual_time
async def test_a_noise_while_lost_words_are_asked_for() -> None:
    async def hook(call: Call, turn: Turn) -> str:
        return "Yes."

    shelf = Shelf()
    async with stream(hook, shelf) as s:
        s.phone.speak(600)
        await s.wait(0.5)
        left = shelf.record()
    long = (APOLOGY, pcm_to_ulaw(tone(1500)))
    async with stream(hook, Shelf(), left, resuming=False, texts=[""], apology=long) as s:
        await s.wait(0.3)
        await s.say(300, then_s=4)
        assert len(s.phone.clears_ms) == 1
        assert [entry.interrupted for entry in s.call.history] == [True, False]
        assert s.call.history[-1].heard == APOLOGY


@virtual_time
async def test_the_dialog_goes_on_before_the_open_turn() -> None:
    left = await lose(Shop(), Shelf(), 0.9, ["tea"])
    turn = left.open_turn
    assert turn is not None
    assert left.state == {"greeted": True}
    shop = Resuming("Sorry for the break.")
    async with stream(shop, Shelf(), left) as s:
        await s.wait(5)
        assert shop.resumed == [("", Gap(GAP_MS, speech_lost=False, turn_open=True))]
        assert bot_heard(s).endswith("| Sorry for the break. | You want tea. Anything else?")
        assert shop.turns == [Turn(**{**turn, "retried": True})]


@virtual_time
async def test_a_stream_that_is_lost_while_its_worker_lives() -> None:
    """What the hook has done to the state is undone here too."""
    shop, shelf = Shop(thinks_s=1.5), Shelf()
    async with stream(shop, shelf, texts=["tea"]) as s:
        await s.say(400, then_s=0.9)
        assert s.call.state == {"greeted": True, "orders": ["tea"]}
        s.phone.drop()
        await s.ended()
        assert s.call.state == {"greeted": True}
        assert shelf.record().open_turn is not None
    async with stream(shop, shelf, shelf.record()) as s:
        await s.wait(5)
        assert s.call.state["orders"] == ["tea"]
    assert [(turn.id[-2:], turn.retried) for turn in shop.turns] == [("-1", False), ("-1", True)]


@pytest.mark.parametrize("early_ms", [5, 100, 300])
@virtual_time
async def test_a_sentence_whose_end_is_not_confirmed_is_said_again(early_ms: int) -> None:
    """By our clock it was heard, or but for its last word; but who knows when it was played."""
    shelf = Shelf()
    async with stream(Shop(), shelf) as s:
        end_ms = sum(len(sentence) for sentence in GREETING) * 50 + 250
        await s.wait((end_ms - early_ms) / 1000)
        s.phone.echoes = False
        await s.wait((early_ms + 5) / 1000)
        s.phone.drop()
        await s.ended()
    tts = Tones()
    async with stream(Shop(), shelf, shelf.record(), tts=tts) as s:
        await s.wait(3)
    assert tts.texts == GREETING[1:]


@virtual_time
async def test_a_turn_that_was_taken_back_is_not_lost() -> None:
    """The caller went on speaking, and the worker died before they were done."""
    shop, shelf = Shop(thinks_s=3), Shelf()
    async with stream(shop, shelf, texts=["tea", "and cake"]) as s:
        await s.wait(3)
        await s.say(400, then_s=0.9)
        s.phone.speak(600)
        await s.wait(0.3)
        s.stt.current.hear("and")
        await s.wait(0.1)
        assert [entry.role for entry in s.call.history] == ["bot"]
        left = shelf.record()
    assert left.speaking_from_ms is not None
    async with stream(shop, shelf, left) as s:
        await s.wait(6)
        assert [turn.text for turn in shop.turns] == ["tea", "tea"]
        assert [entry.role for entry in s.call.history] == ["bot", "caller", "bot"]
        # The next turn has an id of its own.
        s.stt.texts = ["milk"]
        await s.say(400, then_s=1)
    assert [turn.id[-2:] for turn in shop.turns] == ["-1", "-1", "-2"]


@virtual_time
async def test_an_interruption_that_was_being_told() -> None:
    class Slow(Shop):
        async def on_interrupted(self, call: Call, interruption: Interruption) -> None:
            call.state["told"] = interruption.heard
            await asyncio.sleep(1)

    shelf = Shelf()
    async with stream(Slow(), shelf, texts=["tea"]) as s:
        await s.wait(1.4)
        s.phone.speak(600)
        await s.wait(0.5)
        left = shelf.record()
    assert left.history[-1].interrupted
    assert left.speaking_from_ms is not None
    tts = Tones()
    async with stream(Slow(), shelf, left, tts=tts) as s:
        await s.wait(4)
    assert tts.texts == ["What would you like?"]


# No voice at all


SILENT = ("Sorry.", b"")


@virtual_time
async def test_twilio_apologizes_for_a_synthesizer_that_is_away() -> None:
    away = UnavailableError("tones", "away")
    tts = Tones(fail={ANSWER[0]: (0, away), APOLOGY: (0, away)})
    shelf = Shelf()
    async with stream(Shop(), shelf, texts=["tea"], tts=tts, apology=SILENT) as s:
        await s.say(400, then_s=2)
        assert await s.ended() == StreamEnd("bot", "speech synthesis is not available")
        assert s.keeper.commits == [SayByTwilio("Sorry.")]
    assert APOLOGY not in tts.texts
    tts = Tones()
    async with stream(Shop(), shelf, shelf.record(), tts=tts) as s:
        await s.wait(3)
        # The voice is back, and says what it could not say.
        assert tts.texts == [ANSWER[0]]


@virtual_time
async def test_a_silent_call_is_not_apologized_to_over_and_over() -> None:
    left = await lose(Shop(), Shelf(), 1.6, ["tea"])
    away = UnavailableError("tones", "away")
    sentences = [*GREETING, *ANSWER, "Are you still there?", APOLOGY]
    tts = Tones(fail=dict.fromkeys(sentences, (0, away)))
    turn = TurnSettings(idle_ms=2000, idle_prompts=1)
    async with stream(Shop(), Shelf(), left, tts=tts, apology=SILENT, turn=turn) as s:
        assert await s.ended() == StreamEnd("bot", "idle")
        assert s.counts.tts_errors == 2


@pytest.mark.parametrize("voice", [True, False])
@virtual_time
async def test_an_apology_that_was_not_ready(voice: bool) -> None:
    """The hook fails, and the voice was away only when the worker began."""

    async def hook(call: Call, turn: Turn) -> None:
        raise ZeroDivisionError

    tts = Tones(fail={} if voice else {APOLOGY: (0, UnavailableError("tones", "away"))})
    async with stream(hook, Shelf(), texts=["tea"], tts=tts, apology=SILENT) as s:
        await s.say(400, then_s=1.5)
        assert s.keeper.commits == ([] if voice else [SayByTwilio("Sorry.")])
        assert bot_heard(s) == (APOLOGY if voice else "")
