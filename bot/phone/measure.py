"""PURE: turns and latencies of a call from its frames alone.

Times are milliseconds since the call's first stream began. A caller's frame is sent at its end, a
bot's frame is played from its start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from .playback import Clear
from .speech import FRAME_MS, SAMPLES_PER_MS, Span, loud_frames, spans, speech_frames
from .tape import SpokenStep, Tape

__all__ = [
    "Latencies",
    "Sound",
    "SpokenTurn",
    "Utterance",
    "latencies",
    "listen",
    "percentile",
    "spoken_turns",
]

# Pauses between words and sentences of one speaker; a reply to a caller comes later than this.
_BRIDGE_MS = 400
# A bot that is cleared so soon after its speech was cut in a pause between two sentences.
_PAUSE_MS = 1_000
# Bot speech further apart than this is two turns, although the caller said nothing in between.
_TURN_GAP_MS = 2_000


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One side spoke from its first speech frame to its last; cut short if `interrupted`."""

    role: str
    span: Span
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """A spoken step: its whole clip, and in it the first to the last speech frame."""

    clip: Span
    speech: Span


@dataclass(frozen=True, slots=True)
class Sound:
    """Where there is speech in a call.

    Attributes:
        steps: each spoken step; one in which nothing is loud enough is left out.
        caller: stretches of the caller's speech.
        bot: stretches of the bot's speech as played.
        clears: what the worker cleared.
    """

    steps: tuple[Utterance, ...]
    caller: tuple[Span, ...]
    bot: tuple[Span, ...]
    clears: tuple[Clear, ...]


@dataclass(frozen=True, slots=True)
class Latencies:
    """What a caller waited for, in milliseconds.

    Attributes:
        greeting: from the stream's begin to the bot's first speech; None if the caller was first.
        response: for each step, from its last speech frame to the bot's first one after it. A step
            without an answer before the next step has none.
        barge_in: from the first speech frame over the bot to the `clear` that it brought. Negative
            when the worker heard the step before it was as loud as speech is here.
        overlaps: steps during which the bot began to speak, or whose end it did not wait for.
    """

    greeting: float | None
    response: tuple[float, ...]
    barge_in: tuple[float, ...]
    overlaps: int


def listen(tape: Tape) -> Sound:
    """Find the speech on both sides."""
    cuts_ms = tuple(clear.at_ms for clear in tape.clears)
    caller = tuple(spans(speech_frames(loud_frames(tape.caller)), _BRIDGE_MS))
    bot = tuple(spans(speech_frames(loud_frames(tape.bot)), _BRIDGE_MS, cuts_ms))
    steps = tuple(said for step in tape.steps if (said := _utterance(step, tape)) is not None)
    return Sound(steps, caller, bot, tuple(tape.clears))


def latencies(sound: Sound) -> Latencies:
    """Measure greeting, responses and barge-ins."""
    first_caller = sound.steps[0].speech.start_ms if sound.steps else math.inf
    greeting = next((span.start_ms for span in sound.bot if span.start_ms < first_caller), None)
    response: list[float] = []
    barge_in: list[float] = []
    overlaps = 0
    for step, following in zip_longest(sound.steps, sound.steps[1:]):
        next_clip, until = math.inf, math.inf
        if following is not None:
            next_clip, until = following.clip.start_ms, following.speech.start_ms
        if (delay := _barge_in(step, next_clip, sound)) is not None:
            barge_in.append(delay)
        if any(_overlaps(step.speech, span, sound.clears) for span in sound.bot):
            overlaps += 1
            continue
        end = step.speech.end_ms
        answer = next((bot.start_ms for bot in sound.bot if end <= bot.start_ms < until), None)
        if answer is not None:
            response.append(answer - end)
    return Latencies(greeting, tuple(response), tuple(barge_in), overlaps)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value that `percent` of all do not exceed (nearest rank); None without any."""
    if not values:
        return None
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def spoken_turns(sound: Sound) -> list[SpokenTurn]:
    """The conversation without its words: the caller's steps, and what the bot said between."""
    turns = [SpokenTurn("caller", step.speech) for step in sound.steps]
    bot: list[Span] = []
    for span in sound.bot:
        last = bot[-1] if bot else None
        if last is not None and _same_turn(last, span, sound.steps):
            bot[-1] = Span(last.start_ms, span.end_ms)
        else:
            bot.append(span)
    turns += [SpokenTurn("bot", span, was_cut(span, sound.clears)) for span in bot]
    return sorted(turns, key=lambda turn: turn.span.start_ms)


def was_cut(span: Span, clears: Sequence[Clear]) -> bool:
    """Whether a clear ended this stretch of the bot's speech, perhaps in a pause of it."""
    return _cut_ms(span, clears) is not None


def _cut_ms(span: Span, clears: Sequence[Clear]) -> float | None:
    """When a clear dropped what would have followed this stretch of the bot's speech."""
    earliest, latest = span.end_ms - 2 * FRAME_MS, span.end_ms + _PAUSE_MS
    cuts = (clear.at_ms for clear in clears if clear.dropped_bytes)
    return next((at_ms for at_ms in cuts if earliest <= at_ms <= latest), None)


def _utterance(step: SpokenStep, tape: Tape) -> Utterance | None:
    start, end = step.span.start_ms, step.span.end_ms
    sound = tape.caller[start * SAMPLES_PER_MS : end * SAMPLES_PER_MS]
    found = spans(speech_frames(loud_frames(sound)), end - start)
    if not found:
        return None
    return Utterance(step.span, Span(start + found[0].start_ms, start + found[-1].end_ms))


def _overlaps(step: Span, bot: Span, clears: Sequence[Clear]) -> bool:
    if bot.start_ms < step.start_ms:
        # A short clip may be over before the clear that it brings.
        return bot.end_ms > step.end_ms and not was_cut(bot, clears)
    return bot.start_ms < step.end_ms


def _barge_in(step: Utterance, until: float, sound: Sound) -> float | None:
    """The delay of the first clear that this step brought, if it did."""
    begin = step.speech.start_ms
    for clear in sound.clears:
        if step.clip.start_ms <= clear.at_ms < begin and clear.dropped_bytes:
            return clear.at_ms - begin
    over: list[float] = []
    for bot in sound.bot:
        # A bot that was cut in a pause was still speaking in that pause.
        end = max(_cut_ms(bot, sound.clears) or 0, bot.end_ms)
        for said in sound.caller:
            start = max(said.start_ms, bot.start_ms, begin)
            if start < min(said.end_ms, end, step.speech.end_ms):
                over.append(start)
    first = min(over, default=math.inf)
    return next((c.at_ms - first for c in sound.clears if first <= c.at_ms < until), None)


def _same_turn(last: Span, span: Span, steps: Sequence[Utterance]) -> bool:
    pause = Span(last.end_ms, span.start_ms)
    near = span.start_ms - last.end_ms <= _TURN_GAP_MS
    return near and not any(step.speech.overlap_ms(pause) > 0 for step in steps)
