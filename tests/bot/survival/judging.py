"""PURE: whether a call that lost its worker went on as it should have.

The judge hears what the caller heard, reads what the dialog was asked, and compares the record
with both. Each problem is a line that says what was expected and what there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.phone.result import CallResult
from bot.phone.speech import FRAME_BYTES, FRAME_MS, loud_frames, speech_frames

from .journal import Entry
from .voice import Voice

__all__ = [
    "Gap",
    "Harm",
    "answered_before",
    "bot_said",
    "judge_answers",
    "judge_call",
    "judge_resumed",
    "judge_whole",
    "measure_gap",
    "repeated",
    "turns_of",
]

# The mark that proves a sentence to be heard may still be under way when the worker dies.
CONFIRMED_MS = 500
# Twilio's error numbers that a dead worker brings.
BROKEN_PIPE = 31903
# The lease is renewed each second, so that the worker that goes on knows the gap's begin so well.
LEASE_MS = 1_000
SLACK_MS = 500
# What a process was about to write down when the signal was sent to it.
SIGNAL_MS = 50


@dataclass(frozen=True, slots=True)
class Harm:
    """What was done to a call, and when on the phone's clock.

    Attributes:
        pid: the worker that suffered it and took no further part; None: there is no such worker.
        zero_ms: when the phone's clock was zero, in ms since the epoch.
    """

    at_ms: float
    zero_ms: float
    pid: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """How long the call was dead, in ms from the harm; None where it never came back.

    Attributes:
        audible_ms: to the first audible frame of the bot in the stream after it.
        accepted_ms: to the first frame of the caller that a session of the next stream takes: it is
            sent when that stream has begun, and not before the worker says that the call goes on.
    """

    audible_ms: float | None
    accepted_ms: float | None

    @property
    def ms(self) -> float | None:
        """To the first of both."""
        known = [ms for ms in (self.audible_ms, self.accepted_ms) if ms is not None]
        return min(known, default=None)


def measure_gap(result: CallResult, harm: Harm) -> Gap:
    """How long a call was dead after `harm`."""
    following = next(
        (span for span in result.tape.streams if (span.begun_ms or 0) > harm.at_ms), None
    )
    if following is None:
        return Gap(None, None)
    first = following.first_frame
    speech = speech_frames(loud_frames(result.tape.bot[first * FRAME_BYTES :]))
    audible_ms = None
    if speech.any():
        audible_ms = (first + int(speech.argmax())) * FRAME_MS - harm.at_ms
    resumed = [
        event["at_ms"] - harm.zero_ms
        for event in (result.record or {}).get("log", ())
        if event["kind"] == "gap" and event["at_ms"] - harm.zero_ms > harm.at_ms
    ]
    accepted_ms = None
    if resumed:
        # A frame is sent at its end.
        accepted_ms = max((first + 1) * FRAME_MS, resumed[0]) - harm.at_ms
    return Gap(audible_ms, accepted_ms)


def judge_call(
    result: CallResult,
    journal: Sequence[Entry],
    faults: Sequence[int] = (BROKEN_PIPE,),
    *,
    taken_back: bool = False,
) -> list[str]:
    """What is expected of every call that was harmed and whose caller hung up in the end.

    Args:
        faults: Twilio's error numbers that the harm itself brings.
        taken_back: as for `judge_turns`.
    """
    problems = [f"fault {fault}" for fault in result.faults if fault.code not in faults]
    if (result.ended.by, result.ended.reason) != ("caller", "hung up"):
        problems.append(f"the phone says: ended by {result.ended.by}, {result.ended.reason}")
    if result.steps_left:
        problems.append(f"{result.steps_left} of the caller's steps were not reached")
    if result.record is None:
        return [*problems, "there is no record"]
    record = result.record
    if record["ended"] != {"by": "caller", "reason": "hung up"}:
        problems.append(f"the record says: ended {record['ended']}")
    greets = [entry for entry in journal if entry.kind == "greet"]
    if len(greets) != 1:
        problems.append(f"the dialog was asked for its greeting {len(greets)} times")
    ends = [entry for entry in journal if entry.kind == "end"]
    if [(e.more["by"], e.more["reason"]) for e in ends] != [("caller", "hung up")]:
        problems.append(f"the dialog was told of the end {[e.more for e in ends]}")
    return problems + judge_turns(record, journal, taken_back=taken_back)


def judge_turns(
    record: Mapping[str, Any], journal: Sequence[Entry], *, taken_back: bool = False
) -> list[str]:
    """Each turn is answered exactly once, and history and state agree with it.

    Args:
        taken_back: whether the caller may have gone on with a turn that had been asked: then it is
            in neither of both, and what was said in it belongs to the next one.
    """
    problems: list[str] = []
    asked: dict[str, list[Entry]] = {}
    for entry in journal:
        if entry.kind == "asked":
            asked.setdefault(entry.more["turn"], []).append(entry)
    for turn, deliveries in asked.items():
        if [entry.more["retried"] for entry in deliveries] not in ([False], [False, True]):
            flags = [entry.more["retried"] for entry in deliveries]
            problems.append(f"turn {turn} was delivered with retried = {flags}")
        if len({entry.more["text"] for entry in deliveries}) != 1:
            problems.append(f"turn {turn} was delivered with different words")
    finished = list(dict.fromkeys(e.more["turn"] for e in journal if e.kind == "answered"))
    state = record["state"]
    for key in ("asked", "answered"):
        ids = state.get(key, [])
        some = taken_back and len(set(ids)) == len(ids) and set(ids) <= set(finished)
        if ids != finished and not some:
            problems.append(f"call.state[{key!r}] is {ids}, answered were {finished}")
    if state.get("asked", []) != state.get("answered", []):
        problems.append(f"call.state is torn: {state}")
    if state.get("greets") != 1:
        problems.append(f"call.state['greets'] is {state.get('greets')}")
    callers = [entry["text"] for entry in record["history"] if entry["role"] == "caller"]
    kept = state.get("answered", []) if taken_back else finished
    kept_texts = [asked[turn][0].more["text"] for turn in kept if turn in asked]
    if callers != kept_texts:
        problems.append(f"the caller's turns in history are {callers}, answered were {kept_texts}")
    if not taken_back and list(asked) != finished:
        problems.append(f"the dialog was asked {list(asked)}, answered were {finished}")
    return problems


def judge_answers(journal: Sequence[Entry], harm: Harm, *, taken_back: bool = False) -> list[str]:
    """No worker answers a turn twice, and whoever goes on answers what was still to be answered.

    Args:
        taken_back: as for `judge_turns`.
    """
    problems: list[str] = []
    for turn in dict.fromkeys(turns_of(journal, "asked")):
        of_turn = [entry for entry in journal if entry.more.get("turn") == turn]
        asked = Counter(entry.pid for entry in of_turn if entry.kind == "asked")
        answered = Counter(entry.pid for entry in of_turn if entry.kind == "answered")
        if answered - asked:
            problems.append(f"turn {turn} was answered {dict(answered)}, asked {dict(asked)}")
        if harm.pid is None:
            continue
        by_others = answered.total() - answered[harm.pid]
        its_own = [entry for entry in of_turn if entry.pid == harm.pid]
        done = taken_back or answered_before(its_own, harm, SIGNAL_MS)
        if by_others > 1 or not (by_others or done):
            problems.append(f"turn {turn} was answered {by_others} times by those that went on")
    return problems


def answered_before(journal: Sequence[Entry], harm: Harm, slack_ms: float = 0.0) -> bool:
    """Whether a hook had come to its end before the harm."""
    ended_ms = harm.zero_ms + harm.at_ms + slack_ms
    return any(entry.kind == "answered" and entry.at_ms < ended_ms for entry in journal)


def repeated(voice: Voice, result: CallResult, texts: Sequence[str], harm: Harm) -> list[str]:
    """Each sentence was heard whole, in order, and twice only if the harm befell it."""
    problems: list[str] = []
    last_ms = -1
    for text in texts:
        heard = voice.heard(result.tape.bot, text)
        if not heard:
            problems.append(f"never heard whole: {text!r}")
            continue
        first, again = heard[0], heard[1:]
        # It had begun, and was not yet known to be heard.
        befallen = first.start_ms < harm.at_ms < first.end_ms + CONFIRMED_MS
        if again and not (len(again) == 1 and befallen):
            problems.append(f"heard at {[span.start_ms for span in heard]} ms: {text!r}")
        if heard[-1].start_ms < last_ms:
            problems.append(f"heard before what comes before it: {text!r}")
        last_ms = heard[-1].start_ms
    return problems


def judge_gap(result: CallResult, gap: Gap, harm: Harm, *, lost: bool | None) -> list[str]:
    """What the worker that went on says of the gap is true.

    Args:
        lost: whether the caller's speech was lost; None where it cannot be known for certain.
    """
    record = result.record or {}
    told = [event for event in record.get("log", ()) if event["kind"] == "gap"]
    if len(told) != 1 or result.traffic.streams != 2:
        return [f"the log tells of {len(told)} gaps, there were {result.traffic.streams} streams"]
    problems: list[str] = []
    if record["counters"].get("gaps") != 1:
        problems.append(f"counters.gaps is {record['counters'].get('gaps')}")
    gap_ms, speech_lost = told[0]["gap_ms"], told[0]["speech_lost"]
    if record["counters"].get("lost_ms") != gap_ms:
        problems.append(f"counters.lost_ms is {record['counters'].get('lost_ms')}, not {gap_ms}")
    true_ms = gap.accepted_ms or 0.0
    if gap_ms is None or not true_ms - SLACK_MS <= gap_ms <= true_ms + LEASE_MS + SLACK_MS:
        problems.append(f"gap_ms is {gap_ms}, measured were {true_ms:.0f}")
    if lost is not None and speech_lost is not lost:
        problems.append(f"speech_lost is {speech_lost}")
    noted = any("speech" in note or "lost" in note for note in record["notes"])
    if lost and not noted:
        problems.append(f"no note tells of the lost speech: {record['notes']}")
    return problems


def judge_whole(record: Mapping[str, Any], sentences: Sequence[str]) -> list[str]:
    """The history of a reply that no harm befell: it is there once, and was heard whole."""
    whole = " ".join(sentences)
    heard = [heard for text, heard in bot_said(record) if text == whole]
    return [] if heard == [whole] else [f"of {whole!r} the history says that was heard: {heard}"]


def bot_said(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Text and what was heard of it, of each of the bot's entries in the history."""
    return [(e["text"], e["heard"]) for e in record["history"] if e["role"] == "bot"]


def judge_resumed(
    record: Mapping[str, Any], sentences: Sequence[str], done: int, *, finished: bool = True
) -> list[str]:
    """The history of a reply that was cut and said again from the first sentence not heard whole.

    Args:
        sentences: the reply.
        done: how many of its sentences were certainly heard before the harm.
        finished: whether all of it was heard in the end.
    """
    whole = " ".join(sentences)
    said = bot_said(record)
    parts = [i for i, (text, _) in enumerate(said) if text == whole]
    if not parts:
        return [f"the history has no {whole!r}"]
    text, heard = said[parts[0]]
    if heard == text:
        return []  # the harm came when all of it had been heard
    problems: list[str] = []
    kept = " ".join(sentences[:done])
    if not whole.startswith(heard) or not heard.startswith(kept):
        problems.append(f"heard is {heard!r}, after {kept!r} was heard for certain")
    rest = [" ".join(sentences[number:]) for number in range(done, len(sentences))]
    again = said[parts[0] + 1] if len(said) > parts[0] + 1 else ("", "")
    if again[0] not in rest or (finished and again[1] != again[0]):
        problems.append(f"said again was {again}, not one of {rest}")
    return problems


def turns_of(journal: Sequence[Entry], kind: str) -> list[str]:
    """The ids of the turns in entries of this kind."""
    return [entry.more["turn"] for entry in journal if entry.kind == kind]
