"""PURE: the pauses that a caller heard because a stream ended and the call did not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from .speech import FRAME_BYTES, FRAME_MS, loud_frames, speech_frames
from .tape import StreamSpan, Tape

__all__ = ["Gap", "gaps"]


@dataclass(frozen=True, slots=True)
class Gap:
    """From a stream's end to what came after it.

    Attributes:
        cause: how the stream ended.
        at_ms: when it ended, as the phone noticed, since the call's first stream began.
        to_stream_ms: how long until the next stream's first frame was sent; None: it never was.
        to_audio_ms: how long until the bot was audible again: the begin of the first speech frame
            that any later stream played; None: it never was.
    """

    cause: str
    at_ms: float
    to_stream_ms: float | None
    to_audio_ms: float | None


def gaps(tape: Tape) -> tuple[Gap, ...]:
    """Each loss of a stream, and each other end of one that another stream followed."""
    pairs = zip_longest(tape.streams, tape.streams[1:])
    return tuple(
        _gap(tape, ended, following)
        for ended, following in pairs
        if ended.lost or following is not None
    )


def _gap(tape: Tape, ended: StreamSpan, following: StreamSpan | None) -> Gap:
    assert ended.ended_ms is not None
    if following is None:
        return Gap(ended.cause, ended.ended_ms, None, None)
    return Gap(
        ended.cause,
        ended.ended_ms,
        _since(ended.ended_ms, following.begun_ms),
        _since(ended.ended_ms, _audible_ms(tape.bot, following.first_frame)),
    )


def _since(ended_ms: float, at_ms: float | None) -> float | None:
    return None if at_ms is None else at_ms - ended_ms


def _audible_ms(track: bytes | bytearray, first_frame: int) -> float | None:
    """When the first speech frame at or after `first_frame` begins."""
    speech = speech_frames(loud_frames(track[first_frame * FRAME_BYTES :]))
    if not speech.any():
        return None
    return float((first_frame + int(speech.argmax())) * FRAME_MS)
