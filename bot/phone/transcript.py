"""PURE: the worker's words joined to the phone's times.

The worker's record says what was said, recognized and heard; when it was, the phone's own frames
say. Both clocks begin with the call's first stream, so an utterance belongs to the entry of the
same speaker that it overlaps most, or is nearest to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .measure import Sound, SpokenTurn, spoken_turns, was_cut
from .speech import Span

__all__ = ["Entry", "ReportedTurn", "read_history", "reported_turns", "transcript_text"]

# The two clocks differ by the network's delay, and the worker's times end at its endpointing.
_FARTHEST_MS = 1_500


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance in the worker's record; `span` is on the worker's clock."""

    role: str
    text: str
    heard: str
    span: Span
    interrupted: bool


@dataclass(frozen=True, slots=True)
class ReportedTurn:
    """One utterance: words from the worker (None: it did not say), times from the frames.

    A turn that the worker reports and of which nothing was on the line has no times.
    """

    role: str
    text: str | None
    heard: str | None
    start_ms: int | None
    end_ms: int | None
    interrupted: bool


def read_history(record: Mapping[str, Any]) -> list[Entry]:
    """The utterances of a record of `GET /api/calls/{sid}`.

    Raises:
        ValueError: the record is not one.
    """
    try:
        return [
            Entry(
                str(item["role"]),
                str(item["text"]),
                str(item["heard"]),
                Span(int(item["start_ms"]), int(item["end_ms"])),
                bool(item["interrupted"]),
            )
            for item in record["history"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the worker's record cannot be read: {error!r}") from None


def reported_turns(sound: Sound, history: Sequence[Entry] | None) -> list[ReportedTurn]:
    """The conversation in the order in which it was spoken."""
    if not history:
        return [_without_words(turn) for turn in spoken_turns(sound)]
    claimed: list[list[Span]] = [[] for _ in history]
    placed: list[tuple[int, ReportedTurn]] = []
    for role, sounded in (("caller", sound.caller), ("bot", sound.bot)):
        for span in sounded:
            if (index := _nearest(role, span, history)) is None:
                turn = SpokenTurn(role, span, role == "bot" and was_cut(span, sound.clears))
                placed.append((span.start_ms, _without_words(turn)))
            else:
                claimed[index].append(span)
    for entry, stretches in zip(history, claimed, strict=True):
        turn_start = stretches[0].start_ms if stretches else entry.span.start_ms
        placed.append((turn_start, _with_words(entry, stretches)))
    return [turn for _, turn in sorted(placed, key=lambda item: item[0])]


def transcript_text(turns: Sequence[ReportedTurn]) -> str:
    """The conversation for reading: a line a turn, with what was heard where that is less."""
    lines = []
    for turn in turns:
        at = "--:--.-" if turn.start_ms is None else _clock(turn.start_ms)
        words = "(not reported)" if turn.text is None else turn.text
        if turn.heard is not None and turn.heard != turn.text:
            words += f"  [heard: {turn.heard}]"
        lines.append(f"{at}  {turn.role:<6}  {words}\n")
    return "".join(lines)


def _clock(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes:02d}:{rest / 1000:04.1f}"


def _nearest(role: str, span: Span, history: Sequence[Entry]) -> int | None:
    shared = [(span.overlap_ms(e.span), i) for i, e in enumerate(history) if e.role == role]
    overlap_ms, index = max(shared, default=(-_FARTHEST_MS - 1, -1))
    return index if overlap_ms >= -_FARTHEST_MS else None


def _without_words(turn: SpokenTurn) -> ReportedTurn:
    span = turn.span
    return ReportedTurn(turn.role, None, None, span.start_ms, span.end_ms, turn.interrupted)


def _with_words(entry: Entry, stretches: Sequence[Span]) -> ReportedTurn:
    start_ms = stretches[0].start_ms if stretches else None
    end_ms = stretches[-1].end_ms if stretches else None
    return ReportedTurn(entry.role, entry.text, entry.heard, start_ms, end_ms, entry.interrupted)
