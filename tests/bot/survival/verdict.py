"""Whether a call of `scene` went on as it should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.phone.result import CallResult

from .dialogs import ANSWER, GREETING
from .journal import Entry
from .judging import (
    CONFIRMED_MS,
    Harm,
    answered_before,
    judge_answers,
    judge_call,
    judge_gap,
    judge_resumed,
    judge_whole,
    measure_gap,
    repeated,
)
from .rounds import Round
from .voice import Voice

__all__ = ["GAP_MS", "Expected", "judge", "known_voice"]

GAP_MS = 2_000.0
# The recognizer notices speech, and the record tells of it, a moment after it has begun.
NOTICED_MS = 500
# Nobody takes a turn to be over after so little silence.
UNFINISHED_MS = 100


@dataclass(frozen=True, slots=True)
class Expected:
    """What a call should be like in which harm was done.

    Attributes:
        faults: Twilio's error numbers that the harm brings.
        gap_ms: the longest gap that is allowed.
        greeting: what the bot greets with.
        answer: what it answers to the caller's turn; nothing where the caller says nothing.
        repeats: whether a caller who was cut says it again, and is answered then.
    """

    faults: tuple[int, ...] = ()
    gap_ms: float = GAP_MS
    greeting: tuple[str, ...] = GREETING
    answer: tuple[str, ...] = ANSWER
    repeats: bool = True


async def known_voice() -> Voice:
    """What the caller is expected to hear."""
    return await Voice.learn([*GREETING, *ANSWER])


def judge(
    journal: Sequence[Entry],
    known: Voice,
    name: str,
    instant: str,
    result: CallResult,
    harm: Harm,
    expected: Expected,
) -> Round:
    """Judge a call that was harmed at this instant: `greeting`, `answer`, `hook` or `caller`."""
    taken_back = instant == "caller"
    problems = judge_call(result, journal, expected.faults, taken_back=taken_back)
    problems += judge_answers(journal, harm, taken_back=taken_back)
    gap = measure_gap(result, harm)
    if gap.ms is None or gap.ms > expected.gap_ms:
        problems.append(f"the gap lasted {gap.ms} ms")
    problems += judge_gap(result, gap, harm, lost=_lost(instant, result, journal, harm))
    problems += _judge_said(journal, known, instant, result, harm, expected)
    if result.record is not None:
        problems += _judge_history(result.record, journal, known, instant, result, harm, expected)
    if harm.pid is not None and any(e.kind == "end" and e.pid == harm.pid for e in journal):
        problems.append("the worker that was harmed ended the call")
    moment = f"{instant} at {harm.at_ms:5.0f} ms"
    struck = _struck(journal, known, instant, result, harm, expected)
    return Round(name, moment, gap.ms, gap.audible_ms, tuple(problems), instant, struck)


def _judge_history(
    record: Mapping[str, Any],
    journal: Sequence[Entry],
    known: Voice,
    instant: str,
    result: CallResult,
    harm: Harm,
    expected: Expected,
) -> list[str]:
    """The bot's entries: what was cut goes on, all else was heard whole."""
    problems: list[str] = []
    if instant in ("greeting", "answer"):
        said = expected.greeting if instant == "greeting" else expected.answer
        done = _whole_before(known, result, said, harm.at_ms - CONFIRMED_MS)
        problems += judge_resumed(record, said, done)
    if instant != "greeting":
        problems += judge_whole(record, expected.greeting)
    if instant == "hook" and _asked(journal, harm):
        problems += judge_whole(record, expected.answer)
    return problems


def _whole_before(known: Voice, result: CallResult, said: Sequence[str], at_ms: float) -> int:
    """How many of the sentences had been heard to their end by then."""
    heard = [known.heard(result.tape.bot, text) for text in said]
    return sum(any(span.end_ms < at_ms for span in spans) for spans in heard)


def _struck(
    journal: Sequence[Entry],
    known: Voice,
    instant: str,
    result: CallResult,
    harm: Harm,
    expected: Expected,
) -> bool:
    """Whether what was to be harmed was going on."""
    if instant == "caller":
        return _lost(instant, result, journal, harm) is True
    if instant == "hook":
        return _asked(journal, harm) and not answered_before(journal, harm)
    if instant == "answer":
        said, begun = expected.answer, answered_before(journal, harm)
    else:
        said = expected.greeting
        begun = any(span.start_ms < harm.at_ms for span in result.sound.bot)
    return begun and _whole_before(known, result, said, harm.at_ms) < len(said)


def _judge_said(
    journal: Sequence[Entry],
    known: Voice,
    instant: str,
    result: CallResult,
    harm: Harm,
    expected: Expected,
) -> list[str]:
    """What the caller heard, and how many turns were answered."""
    answered = {entry.more["turn"] for entry in journal if entry.kind == "answered"}
    if instant == "caller":
        problems = repeated(known, result, expected.greeting, harm)
        return problems + (_heard_at_last(known, result, expected) if expected.repeats else [])
    # A recognizer may be slower than the phone expected: then what was said is lost.
    unasked = instant == "hook" and not _asked(journal, harm)
    said = expected.greeting if unasked else (*expected.greeting, *expected.answer)
    problems = repeated(known, result, said, harm)
    if len(answered) != (0 if unasked or not expected.answer else 1):
        problems.append(f"{len(answered)} turns were answered")
    return problems


def _asked(journal: Sequence[Entry], harm: Harm) -> bool:
    """Whether the hook was running, or had run, before the harm."""
    begun_ms = [e.at_ms for e in journal if e.kind == "asked" and not e.more["retried"]]
    return any(at_ms < harm.zero_ms + harm.at_ms for at_ms in begun_ms)


def _lost(instant: str, result: CallResult, journal: Sequence[Entry], harm: Harm) -> bool | None:
    """Whether the caller's speech must have been reported as lost."""
    if instant == "hook":
        return not _asked(journal, harm)
    if instant != "caller":
        return False
    speech = result.sound.steps[0].speech if result.sound.steps else None
    if speech is None:
        return None
    # The phone's step is cut where its stream breaks, which may be a frame before the harm.
    lasting = speech.start_ms + NOTICED_MS < harm.at_ms < speech.end_ms + UNFINISHED_MS
    return True if lasting else None


def _heard_at_last(known: Voice, result: CallResult, expected: Expected) -> list[str]:
    said_ms = result.tape.steps[-1].span.end_ms
    return [
        f"not heard after the caller had said it again: {text!r}"
        for text in expected.answer
        if not any(span.start_ms > said_ms for span in known.heard(result.tape.bot, text))
    ]
