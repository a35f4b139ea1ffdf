"""What the next worker says, whatever its predecessor was doing when it was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.dialog import (
    Call,
    Expect,
    Gap,
    Gather,
    Hangup,
    Interruption,
    Say,
    SendDigits,
    Transfer,
    Turn,
)
from bot.parts import StreamEnd
from bot.record import Record
from bot.telephony.pending import Leaving, Move, SayByTwilio
from bot.turn import TurnSettings
from providers.errors import UnavailableError
from tests.bot.engines import Tones
from tests.bot.lost_calls import GAP_MS, Shelf, stream
from tests.bot.sessions import APOLOGY, Scene
from tests.virtual_time import virtual_time

GREETING = ["Welcome to the shop.", "What would you like?"]
ANSWER = ["You want tea.", "Anything else?"]


class Shop:
    """Takes orders: a hook of some patience, with state."""

    def __init__(self, *, streams: bool = False, thinks_s: float = 0.6) -> None:
        self.streams = streams
        self.thinks_s = thinks_s
        self.turns: list[Turn] = []

    async def greet(self, call: Call) -> str:
        call.state["greeted"] = True
        return " ".join(GREETING)

    async def on_turn(self, call: Call, turn: Turn) -> AsyncIterator[str]:
        self.turns.append(turn)
        call.state.setdefault("orders", []).append(turn.text)
        await asyncio.sleep(self.thinks_s)
        for sentence in ANSWER:
            yield sentence + " "
            if self.streams:
                await asyncio.sleep(0.9)
        call.state["answered"] = len(call.state["orders"])


def bot_heard(s: Scene) -> str:
    return " | ".join(entry.heard for entry in s.call.history if entry.role == "bot")


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


async def lose(target: Any, shelf: Shelf, after_s: float, texts: list[str | None]) -> Record:
    """The record that is left when the worker is killed some time after the caller has spoken."""
    async with stream(target, shelf, texts=texts) as s:
        await s.say(400, then_s=after_s)
        return shelf.record()


# What the dialog is told


class Resuming(Shop):
    """Has something of its own to say after a break."""

    def __init__(self, *answer: object, **more: Any) -> None:
        super().__init__(**more)
        self.answer = list(answer)
        self.resumed: list[tuple[str, Gap | None]] = []

    async def on_resume(self, call: Call, unheard: str) -> list[object]:
        self.resumed.append((unheard, call.gap))
        return self.answer


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


# The end of a call


class Farewell:
    def __init__(self, *end: Hangup | Transfer) -> None:
        self.end = end
        self.turns = 0

    async def on_turn(self, call: Call, turn: Turn) -> list[object]:
        self.turns += 1
        return [Say("Thank you for calling."), Say("Goodbye to you."), *self.end]


@pytest.mark.parametrize("after_s", [0.6, 1.2, 2.4])
@virtual_time
async def test_killed_while_it_says_goodbye(after_s: float) -> None:
    hook, shelf = Farewell(Hangup("done")), Shelf()
    left = await lose(hook, shelf, after_s, ["bye"])
    assert left.planned == {"action": "hangup", "reason": "done"}
    async with stream(hook, shelf, left, texts=["wait"]) as s:
        s.phone.speak(400)  # a goodbye is not interrupted, the second time neither
        assert await s.ended() == StreamEnd("bot", "done")
        assert s.keeper.commits == [Hangup("done")]
        assert s.call.history[-1].heard.endswith("Goodbye to you.")
        assert s.call.history[-1].heard.count("Goodbye") == 1
    assert hook.turns == 1
    assert shelf.record().planned is None


@virtual_time
async def test_an_on_resume_that_leaves_has_the_last_word() -> None:
    left = await lose(Farewell(Hangup("done")), Shelf(), 1, ["bye"])
    transfer = Transfer("+15550000000")
    async with stream(Resuming("One moment.", transfer), Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "transfer")
        assert s.keeper.commits == [transfer]


@virtual_time
async def test_an_on_resume_that_fails_leaves_all_the_same() -> None:
    left = await lose(Farewell(Hangup("done")), Shelf(), 1, ["bye"])
    async with stream(Resuming(42), Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "done")
        assert APOLOGY in bot_heard(s)


@virtual_time
async def test_killed_when_all_was_said_and_nothing_stored() -> None:
    """There is nothing to resume: a dialog that asked something now would be cut off."""
    hook, shelf = Farewell(Hangup("done")), Shelf()
    async with stream(hook, shelf, texts=["bye"]) as s:
        await s.say(400, then_s=0.5)
        shelf.away = True
        await s.wait(2.2)
        assert bot_heard(s).endswith("Goodbye to you.")
        left = Record.from_json(shelf.saved[-1])
        assert left.pending == {"action": "hangup", "reason": "done"}
        left = Record.from_json(shelf.saved[-2])
        assert left.planned == {"action": "hangup", "reason": "done"}
    shop = Resuming("Where were we?")
    async with stream(shop, Shelf(), left) as s:
        assert await s.ended() == StreamEnd("bot", "done")
    assert shop.resumed == []


# Leaving on purpose


@virtual_time
async def test_a_call_is_moved_in_mid_sentence() -> None:
    shelf = Shelf()
    async with stream(Shop(), shelf) as s:
        await s.wait(1.4)
        assert await s.session.move()
        assert await s.ended() == StreamEnd("bot", "move")
        assert s.phone.closed == 1000
        assert await asyncio.wait_for(s.session.move(), 1) is not False
    left = shelf.record()
    assert left.pending == {"action": "move"}
    assert left.history[-1].heard.startswith("Welcome to the shop. What")
    tts = Tones()
    async with stream(Shop(), shelf, left, tts=tts) as s:
        await s.wait(3)
    assert tts.texts == ["What would you like?"]


@virtual_time
async def test_a_call_that_cannot_be_moved_goes_on() -> None:
    shelf, tts = Shelf(), Tones()
    async with stream(Shop(), shelf, tts=tts) as s:
        await s.wait(1.4)
        shelf.away = True
        began_s = asyncio.get_running_loop().time()
        assert not await s.session.move()
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(0.3, abs=0.01)
        await s.wait(3)
        assert bot_heard(s) == " ".join(GREETING)
        assert shelf.record().pending is None


@virtual_time
async def test_without_redis_a_call_is_moved_by_rest() -> None:
    acted: list[Leaving] = []

    async def act_now(action: Leaving) -> bool:
        acted.append(action)
        return True

    shelf = Shelf()
    async with stream(Shop(), shelf, act_now=act_now) as s:
        await s.wait(1.4)
        shelf.away = True
        assert await s.session.move()
        assert await s.ended() == StreamEnd("bot", "move")
    assert acted == [Move()]


@virtual_time
async def test_somebody_else_hangs_up() -> None:
    shelf = Shelf()
    async with stream(Shop(), shelf) as s:
        await s.wait(0.5)
        assert await s.session.leave_now(Hangup("api"))
        assert await s.ended() == StreamEnd("bot", "api")
        assert s.phone.speech_ms < 600
    assert shelf.record().pending == {"action": "hangup", "reason": "api"}


@virtual_time
async def test_a_move_during_a_goodbye_keeps_the_goodbye() -> None:
    hook, shelf = Farewell(Hangup("done")), Shelf()
    async with stream(hook, shelf, texts=["bye"]) as s:
        await s.say(400, then_s=0.9)
        assert await s.session.move()
        assert (await s.ended()).reason == "move"
    assert shelf.record().planned is not None
    async with stream(hook, shelf, shelf.record()) as s:
        assert await s.ended() == StreamEnd("bot", "done")


@pytest.mark.parametrize("works", [True, False])
@virtual_time
async def test_without_redis_a_goodbye_is_done_by_rest(works: bool) -> None:
    acted: list[Leaving] = []

    async def act_now(action: Leaving) -> bool:
        acted.append(action)
        return works

    shelf = Shelf()
    shelf.away = True
    turn = TurnSettings(idle_ms=2000, idle_prompts=0)
    async with stream(
        Farewell(Hangup("done")), shelf, texts=["bye"], act_now=act_now, turn=turn
    ) as s:
        await s.say(400, then_s=3.5)
        assert s.running.done() is works
        if works:
            assert await s.ended() == StreamEnd("bot", "done")
            assert acted == [Hangup("done")]
        else:
            # After some silence the call is to end all the same, again and again.
            assert shelf.record().planned is None
            await s.wait(6)
            assert acted == [Hangup("done"), Hangup("idle"), Hangup("idle")]
            shelf.away = False
            assert await s.ended() == StreamEnd("bot", "idle")


@virtual_time
async def test_a_stream_that_another_one_has_superseded_commits_nothing() -> None:
    async with stream(Farewell(Hangup()), Shelf(), texts=["bye"]) as s:

        async def commit(action: Leaving) -> str:
            return "superseded"

        s.keeper.commit = commit  # type: ignore[assignment, method-assign]
        s.phone.speak(400)
        assert await s.ended() == StreamEnd("bot", "superseded")


@virtual_time
async def test_the_longest_call_counts_from_its_first_stream() -> None:
    left = await lose(Shop(), Shelf(), 4, ["tea"])
    turn = TurnSettings(max_duration_ms=62_000)
    async with stream(Shop(), Shelf(), left, turn=turn) as s:
        assert await s.ended() == StreamEnd("bot", "max_duration")
        assert s.phone.now_ms == pytest.approx(2000, abs=50)


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


# Keys


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
