"""What the judges of the proofs would not let pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.dialog.types import Ended
from bot.phone.events import ProtocolFault, Traffic
from bot.phone.measure import Latencies, Sound
from bot.phone.playback import ULAW_SILENCE
from bot.phone.result import CallResult
from bot.phone.tape import StreamSpan, Tape

from .journal import Entry
from .judging import (
    Gap,
    Harm,
    judge_call,
    judge_gap,
    judge_resumed,
    judge_turns,
    measure_gap,
    repeated,
)
from .lateness import LEAD_BYTES, Arrival, late_ms
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
        ({"asked": [], "answered": []}, JOURNAL, "the caller's turns in history are"),
    ],
)
def test_turns_are_answered_once(
    state: dict[str, Any], journal: tuple[Entry, ...], problem: str
) -> None:
    kept = record(state={**record()["state"], **state})
    assert any(problem in line for line in judge_turns(kept, journal))


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
