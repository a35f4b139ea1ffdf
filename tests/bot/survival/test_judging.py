"""What the judges of the proofs would not let pass."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.dialog.types import Ended
from bot.phone.events import ProtocolFault, Traffic
from bot.phone.measure import Latencies, Sound, Utterance
from bot.phone.playback import ULAW_SILENCE
from bot.phone.result import CallResult
from bot.phone.speech import Span
from bot.phone.tape import StreamSpan, Tape
from bot.phone.transcript import ReportedTurn

from . import journal as journal_module
from . import short
from .dialogs import ANSWER, GREETING
from .journal import Entry, Journal
from .judging import (
    Gap,
    Harm,
    judge_answers,
    judge_call,
    judge_gap,
    judge_resumed,
    judge_turns,
    judge_whole,
    measure_gap,
    repeated,
)
from .lateness import LEAD_BYTES, Arrival, late_ms
from .redis_away import Kept, slower
from .rounds import Round, summary
from .short import sure
from .verdict import Expected, judge
from .voice import Voice

ZERO_MS = 1_000_000.0
HARM = Harm(2_000.0, ZERO_MS, 11)
LOUD = b"\x00\x80" * 80
"""A frame that is heard."""


def record(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "ended": {"by": "caller", "reason": "hung up"},
        "history": [
            {"role": "bot", "text": "Hello.", "heard": "Hello."},
            {"role": "caller", "text": "on friday", "heard": "on friday"},
        ],
        "state": {"greets": 1, "asked": ["CA1-1"], "answered": ["CA1-1"]},
        "counters": {"gaps": 1, "lost_ms": 300},
        "notes": [],
        "log": [
            {"kind": "gap", "at_ms": ZERO_MS + 2_090, "gap_ms": 300, "speech_lost": False},
        ],
    }
    return {**values, **changes}


def entry(kind: str, pid: int = 12, **more: Any) -> Entry:
    return Entry(kind, "CA1", pid, ZERO_MS, more)


JOURNAL = (
    entry("greet", 11),
    entry("asked", 11, turn="CA1-1", retried=False, text="on friday"),
    entry("asked", turn="CA1-1", retried=True, text="on friday"),
    entry("answered", turn="CA1-1"),
    entry("end", by="caller", reason="hung up"),
)


def result(tape: Tape | None = None, **changes: Any) -> CallResult:
    good = CallResult(
        call_sid="CA1",
        ended=Ended("caller", "hung up"),
        duration_s=4.0,
        turns=(),
        latencies=Latencies(None, (), (), 0),
        sound=Sound((), (), (), ()),
        tape=tape or Tape(),
        traffic=Traffic(streams=2),
        faults=(),
        notes=(),
        verbs=(),
        steps_left=0,
        record=record(),
        gaps=(),
    )
    return replace(good, **changes)


def two_streams() -> Tape:
    """The first stream breaks at 2 s; the second begins at 2.1 s, and is heard from 2.2 s on."""
    silent = ULAW_SILENCE * 160
    tape = Tape(bot=bytearray(LOUD * 100 + silent * 10 + LOUD * 20))
    tape.streams = [StreamSpan(0, 20.0, 2_001.0), StreamSpan(105, 2_120.0, 3_000.0)]
    return tape


def test_the_gap_is_measured_from_the_harm_to_the_next_streams_first_sound_and_frame() -> None:
    found = measure_gap(result(two_streams()), HARM)
    # The first frame of the new stream is sent at its end, which the session was there for.
    assert found == Gap(audible_ms=200.0, accepted_ms=120.0)
    assert found.ms == 120.0
    late = record(log=[{"kind": "gap", "at_ms": ZERO_MS + 2_500}])
    assert measure_gap(result(two_streams(), record=late), HARM).accepted_ms == 500.0
    before = record(log=[{"kind": "gap", "at_ms": ZERO_MS + 1_500}])
    assert measure_gap(result(two_streams(), record=before), HARM).accepted_ms is None


def test_a_call_that_never_came_back_has_no_gap() -> None:
    tape = two_streams()
    del tape.streams[1]
    assert measure_gap(result(tape), HARM).ms is None
    assert measure_gap(result(tape, record=None), HARM).ms is None


def test_a_good_call_has_no_problems() -> None:
    assert judge_call(result(), JOURNAL) == []
    broken = result(faults=(ProtocolFault(31903, "the connection broke"),))
    assert judge_call(broken, JOURNAL) == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (result(faults=(ProtocolFault(11200, "no answer"),)), "fault 11200"),
        (result(ended=Ended("bot", "hung up")), "the phone says: ended by bot"),
        (result(steps_left=2), "2 of the caller's steps"),
        (result(record=None), "there is no record"),
        (result(record=record(ended={"by": "error", "reason": "failed"})), "ended {'by': 'error'"),
    ],
)
def test_what_the_phone_complains_of(bad: CallResult, problem: str) -> None:
    assert any(problem in line for line in judge_call(bad, JOURNAL))


@pytest.mark.parametrize(
    ("journal", "problem"),
    [
        ((entry("greet"), *JOURNAL), "its greeting 2 times"),
        ((*JOURNAL, JOURNAL[-1]), "told of the end"),
        (JOURNAL[:-1], "told of the end []"),
        ((*JOURNAL[:3], entry("end", by="twilio", reason="failed")), "told of the end"),
    ],
)
def test_what_the_dialog_is_asked_once(journal: tuple[Entry, ...], problem: str) -> None:
    assert any(problem in line for line in judge_call(result(), journal))


@pytest.mark.parametrize(
    ("state", "journal", "problem"),
    [
        ({"answered": []}, JOURNAL, "call.state is torn"),
        ({"asked": ["CA1-1", "CA1-1"]}, JOURNAL, "call.state['asked'] is"),
        ({"answered": ["CA1-9"], "asked": ["CA1-9"]}, JOURNAL, "answered were ['CA1-1']"),
        ({"greets": 2}, JOURNAL, "call.state['greets'] is 2"),
        ({}, (*JOURNAL[:3], JOURNAL[2], *JOURNAL[3:]), "retried = [False, True, True]"),
        ({}, (JOURNAL[0], JOURNAL[2], *JOURNAL[3:]), "retried = [True]"),
        (
            {},
            (*JOURNAL[:2], entry("asked", turn="CA1-1", retried=True, text="friday"), JOURNAL[3]),
            "different words",
        ),
        ({"asked": [], "answered": []}, JOURNAL, "call.state['answered'] is []"),
        ({}, JOURNAL[:3], "the dialog was asked ['CA1-1'], answered were []"),
    ],
)
def test_turns_are_answered_once(
    state: dict[str, Any], journal: tuple[Entry, ...], problem: str
) -> None:
    kept = record(state={**record()["state"], **state})
    assert any(problem in line for line in judge_turns(kept, journal))


def test_a_turn_may_be_gone_only_if_the_caller_may_have_gone_on_with_it() -> None:
    hello = record()["history"][:1]
    gone = record(state={"greets": 1, "asked": [], "answered": []}, history=hello)
    assert judge_turns(gone, JOURNAL, taken_back=True) == []
    assert any("call.state['answered'] is []" in line for line in judge_turns(gone, JOURNAL))
    # In the state and not in the history, whether or not it may have been taken back.
    lost = record(history=hello)
    for taken_back in (False, True):
        (problem,) = judge_turns(lost, JOURNAL, taken_back=taken_back)
        assert problem.startswith("the caller's turns in history are []")
    # Whether the judge is told of it is what the call's instant decides.
    assert judge_call(result(record=gone), JOURNAL, taken_back=True) == []
    assert judge_call(result(record=gone), JOURNAL) != []


def at(ms: float, kind: str, pid: int) -> Entry:
    return replace(entry(kind, pid, turn="CA1-1"), at_ms=ZERO_MS + ms)


ASKED_TWICE = (at(1_500, "asked", 11), at(2_500, "asked", 12))


@pytest.mark.parametrize(
    ("answers", "pid", "taken_back", "problem"),
    [
        ((at(2_600, "answered", 12),), 11, False, ""),
        # Frozen, and woken after the other worker had answered.
        ((at(2_600, "answered", 12), at(9_000, "answered", 11)), 11, False, ""),
        ((at(1_900, "answered", 11),), 11, False, ""),
        ((at(2_020, "answered", 11),), 11, False, ""),
        ((), 11, True, ""),
        ((), 11, False, "answered 0 times by those that went on"),
        ((at(9_000, "answered", 11),), 11, False, "answered 0 times by those that went on"),
        ((at(2_600, "answered", 12), at(2_700, "answered", 13)), 11, False, "2 times by those"),
        ((at(2_600, "answered", 12), at(2_700, "answered", 12)), 11, True, "{12: 2}, asked"),
        ((at(2_600, "answered", 12), at(2_700, "answered", 12)), None, False, "{12: 2}, asked"),
    ],
)
def test_whoever_goes_on_answers_once(
    answers: tuple[Entry, ...], pid: int | None, taken_back: bool, problem: str
) -> None:
    harm = Harm(2_000.0, ZERO_MS, pid)
    found = judge_answers((*ASKED_TWICE, *answers), harm, taken_back=taken_back)
    assert any(problem in line for line in found) if problem else found == []


def test_a_reply_that_nothing_befell_is_in_the_history_once_and_whole() -> None:
    whole = "One. Two. Three."
    assert judge_whole(said((whole, whole), ("Four.", "")), SENTENCES) == []
    for wrong in (said(("Four.", "Four.")), said((whole, "One.")), said(*[(whole, whole)] * 2)):
        assert "the history says that was heard" in judge_whole(wrong, SENTENCES)[0]


def test_what_the_record_says_of_the_gap() -> None:
    gap = Gap(audible_ms=90.0, accepted_ms=90.0)

    def judged(lost: bool | None = False, **changes: Any) -> list[str]:
        return judge_gap(result(record=record(**changes)), gap, HARM, lost=lost)

    told = record()["log"][0]
    assert judged() == []
    assert judged(log=[]) == ["the log tells of 0 gaps, there were 2 streams"]
    assert "counters.gaps is 2" in judged(counters={"gaps": 2, "lost_ms": 300})[0]
    assert "counters.lost_ms is 0" in judged(counters={"gaps": 1, "lost_ms": 0})[0]
    far: dict[str, Any] = {
        "log": [{**told, "gap_ms": 9_000}],
        "counters": {"gaps": 1, "lost_ms": 9_000},
    }
    assert "measured were 90" in judged(**far)[0]
    lost: dict[str, Any] = {"log": [{**told, "speech_lost": True}]}
    assert judged(**lost) == ["speech_lost is True"]
    assert judged(None, **lost) == []
    assert "no note tells" in judged(True, **lost)[0]
    assert judged(True, **lost, notes=["the caller's speech was lost"]) == []


SENTENCES = ("One.", "Two.", "Three.")


def said(*entries: tuple[str, str]) -> dict[str, Any]:
    return {"history": [{"role": "bot", "text": text, "heard": heard} for text, heard in entries]}


def test_a_reply_that_was_cut_goes_on_with_its_first_sentence_not_heard() -> None:
    whole = "One. Two. Three."
    good = said((whole, "One. Tw"), ("Two. Three.", "Two. Three."))
    assert judge_resumed(good, SENTENCES, 1) == []
    assert judge_resumed(said((whole, whole)), SENTENCES, 3) == []
    assert judge_resumed(said(("Two.", "")), SENTENCES, 1) == [f"the history has no {whole!r}"]
    assert "heard is ''" in judge_resumed(said((whole, ""), ("Three.", "Three.")), SENTENCES, 1)[0]
    again = said((whole, "One."), (whole, whole))
    assert "said again was" in judge_resumed(again, SENTENCES, 1)[0]
    cut = said((whole, "One."), ("Two. Three.", "Two."))
    assert "said again was" in judge_resumed(cut, SENTENCES, 1)[0]
    assert judge_resumed(cut, SENTENCES, 1, finished=False) == []
    assert judge_resumed(said((whole, "One.")), SENTENCES, 1) != []


async def test_the_ear_knows_sentences_and_notices_what_is_missing() -> None:
    first, second = "Welcome to the night desk.", "Lost umbrellas are kept at the main office."
    voice, other = await Voice.learn([first, second]), await Voice.learn([first, second])
    silence = ULAW_SILENCE * 4_000
    # Spoken another time: never the same samples again.
    one, two = (other.spoken[text] for text in (first, second))
    track = silence + one + silence + two + silence + one + silence
    spans = voice.heard(track, first)
    again_ms = len(silence + one + silence + two + silence) / 8
    assert [span.start_ms for span in spans] == pytest.approx([500, again_ms], abs=60)
    assert len(voice.heard(track, second)) == 1
    assert voice.heard(silence + one[: -8 * 300] + silence, first) == []
    assert voice.heard(silence + one[8 * 300 :] + silence, first) == []
    holed = two[:8_000] + ULAW_SILENCE * 4_000 + two[12_000:]
    assert voice.heard(silence + holed + silence, second) == []
    assert voice.heard(one[:4_000], first) == []
    assert voice.heard(b"", first) == []

    # Said twice is forgiven only where the harm was.
    said_twice = result(Tape(bot=bytearray(track)))
    early, late = Harm(1_900.0, ZERO_MS, 11), Harm(6_000.0, ZERO_MS, 11)
    assert repeated(voice, said_twice, [first], early) == []
    assert "heard at" in repeated(voice, said_twice, [first], late)[0]
    # The harm came 700 ms before it was begun: the other worker said it twice.
    unbegun = Harm(0.0, ZERO_MS, 11)
    assert "heard at" in repeated(voice, said_twice, [first], unbegun)[0]
    assert "before what comes before it" in repeated(voice, said_twice, [first, second], early)[0]
    unsaid = result(Tape(bot=bytearray(silence + two)))
    assert repeated(voice, unsaid, [first], early) == [f"never heard whole: {first!r}"]


def test_audio_is_late_when_the_buffer_has_run_lower_than_it_had_to() -> None:
    size, step = 1_600, 1_600
    # Filling up at once, then a message whenever there is room for it.
    filling = [Arrival(0, queued, size) for queued in range(0, LEAD_BYTES, size)]
    steady = [Arrival(step * n, LEAD_BYTES - size, size) for n in range(1, 6)]
    assert {late for _, late in late_ms([*filling, *steady])} == {-20.0}
    # 50 ms late, of which a frame's length is how the phone tells of marks.
    tardy = Arrival(step * 6 + 400, LEAD_BYTES - size - 400, size)
    assert late_ms([*filling, *steady, tardy])[-1] == (step * 6 + 400, 30.0)
    # Another reply, after a silence.
    later = Arrival(step * 6 + 30_000, 0, size)
    assert len(late_ms([*filling, *steady, later])) == len(steady)


def test_who_waits_longer_than_undisturbed_is_seen() -> None:
    usual = {"the greeting": [20.0], "answers": [900.0, 1_000.0], "barge-ins": []}
    assert (
        slower({"the greeting": [360.0], "answers": [0.0, 1_340.0], "barge-ins": []}, usual) == []
    )
    (late,) = slower({**usual, "the greeting": [3_020.0]}, usual)
    assert late == "the greeting took ['3020'] ms, usually ['20']"
    assert len(slower({**usual, "answers": [900.0, 1_400.0]}, usual)) == 1
    assert slower({**usual, "answers": [900.0, 1_400.0]}, usual, 500.0) == []
    # One that never came, and one too many.
    assert len(slower({**usual, "the greeting": []}, usual)) == 1
    assert len(slower({**usual, "barge-ins": [10.0]}, usual)) == 1


def test_what_a_caller_waits_for_is_what_the_phone_measured() -> None:
    turn = ReportedTurn("bot", "Hello.", "Hello.", 100, 900, interrupted=False)
    cut = replace(turn, interrupted=True)
    measured = result(
        latencies=Latencies(40.0, (900.0,), (120.0,), 0),
        turns=(turn, cut, replace(turn, role="caller")),
    )
    assert Kept(measured, {}, 0.0, 15.0).waits_ms == {
        "the first webhook": [15.0],
        "the greeting": [40.0],
        "answers": [900.0],
        "barge-ins": [120.0],
        "what the bot said": [800.0],
    }
    assert Kept(result(), {}, 0.0, 15.0).waits_ms["the greeting"] == []


def test_rounds_that_missed_their_instant_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    good = Round("hook 1", "", 100.0, 90.0, (), "hook")
    missed = replace(good, name="hook 2", struck=False)
    assert summary([good, missed]) == 0
    assert "1 rounds in which the harm was not done at the instant" in capsys.readouterr().out
    assert summary([missed, replace(good, name="caller 1", instant="caller")]) == 1
    assert "no round shows anything of 'hook hook'" in capsys.readouterr().out
    assert summary([replace(good, problems=("bad",))]) == 1
    assert summary([]) == 1
    assert sure(good).problems == ()
    assert sure(missed).problems == ("the harm was not done during the 'hook'",)


@pytest.mark.parametrize(
    ("instant", "journal", "harm_ms", "struck"),
    [
        ("hook", (), 2_000.0, False),
        ("hook", ASKED_TWICE[1:], 2_000.0, False),
        ("hook", ASKED_TWICE, 2_000.0, True),
        # Whoever is asked again answers at once.
        ("hook", (*ASKED_TWICE, at(2_020, "answered", 12)), 2_000.0, True),
        ("hook", (*ASKED_TWICE, at(1_900, "answered", 11)), 2_000.0, False),
        ("caller", (), 300.0, False),
        ("caller", (), 2_000.0, True),
        # The phone's step ends with its stream, a moment before the harm is known.
        ("caller", (), 3_020.0, True),
        ("caller", (), 3_120.0, False),
        ("greeting", (), 50.0, False),
        ("greeting", (), 2_000.0, True),
        ("answer", (), 2_000.0, False),
        ("answer", (at(1_900, "answered", 11),), 2_000.0, True),
    ],
)
def test_the_judge_knows_whether_the_harm_came_in_time(
    instant: str, journal: tuple[Entry, ...], harm_ms: float, struck: bool
) -> None:
    spoken = Utterance(Span(0, 3_500), Span(0, 3_000))
    asked = tuple(replace(e, more={**e.more, "retried": e.pid == 12, "text": ""}) for e in journal)
    # Sentences that nobody hears in this call, so that none is over.
    unsaid = random.Random(1).randbytes(8_000)
    voice = Voice(dict.fromkeys((*GREETING, *ANSWER), unsaid))
    harmed = result(two_streams(), sound=Sound((spoken,), (), (Span(100, 3_000),), ()))
    harm = Harm(harm_ms, ZERO_MS, 11)
    assert (
        judge(asked, voice, "x 1", instant, harmed, harm, Expected(repeats=False)).struck is struck
    )


async def test_a_proof_that_breaks_off_is_a_bad_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_known: Voice, _out: Path | None) -> list[Round]:
        raise TimeoutError("the dialog was not asked")

    async def holds(_known: Voice, _out: Path | None) -> list[Round]:
        return [Round("good", "", None, None, ())]

    monkeypatch.setattr(short, "SHORT", {"one": breaks, "two": holds})
    monkeypatch.setattr(short, "FIRST", ("one",))
    done = await short.run()
    assert done["one"][0].problems == ("TimeoutError('the dialog was not asked')",)
    assert done["two"][0].problems == ()


async def test_what_the_dialog_is_never_asked_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_DEADLINE_S", 0.02)
    with pytest.raises(TimeoutError, match="was not asked 'asked' within"):
        await Journal(tmp_path / "journal").wait("CA1", "asked")
