"""What was said in a call, as frames alone show it: both sides, when each step and clear was."""

from __future__ import annotations

from dataclasses import dataclass, field

from .playback import ULAW_SILENCE, Clear
from .speech import FRAME_BYTES, SAMPLES_PER_MS, Span

__all__ = ["SpokenStep", "StreamSpan", "Tape"]


@dataclass(frozen=True, slots=True)
class SpokenStep:
    """A clip that the caller spoke: its file's name and when its frames were sent."""

    name: str
    span: Span


@dataclass(slots=True)
class StreamSpan:
    """One stream of a call.

    Attributes:
        first_frame: the number of its first frame.
        begun_ms: when its first frame was sent; None: none ever was.
        ended_ms: when it ended, or fell silent; None while it goes on.
        cause: how it ended.
        lost: whether nobody meant it to end.
    """

    first_frame: int
    begun_ms: float | None = None
    ended_ms: float | None = None
    cause: str = ""
    lost: bool = False

    def end(self, at_ms: float) -> None:
        """It is over; of several reports the first one counts."""
        if self.ended_ms is None:
            self.ended_ms = at_ms


@dataclass(slots=True)
class Tape:
    """One call's sound and events on the phone's own clock.

    Zero is the begin of the call's first stream; between two streams both sides are silent.

    Attributes:
        caller: µ-law, 8 kHz, as sent to the worker.
        bot: µ-law, 8 kHz, as played to the caller.
        steps: what the caller spoke.
        clears: each `clear` that the worker sent.
        marks_ms: when each mark was echoed.
        streams: the streams of the call, in order.
    """

    caller: bytearray = field(default_factory=bytearray)
    bot: bytearray = field(default_factory=bytearray)
    steps: list[SpokenStep] = field(default_factory=list)
    clears: list[Clear] = field(default_factory=list)
    marks_ms: list[float] = field(default_factory=list)
    streams: list[StreamSpan] = field(default_factory=list)

    @property
    def length_ms(self) -> int:
        return max(len(self.caller), len(self.bot)) // SAMPLES_PER_MS

    def write_caller(self, frame: int, audio: bytes) -> None:
        """Keep the caller's frame number `frame`; frames that were never sent are silence."""
        missing = frame * FRAME_BYTES - len(self.caller)
        self.caller += ULAW_SILENCE * missing
        self.caller += audio

    def bot_frame(self, frame: int) -> bytearray:
        """What was played in frame number `frame`, as far as it has been played."""
        return self.bot[frame * FRAME_BYTES : (frame + 1) * FRAME_BYTES]
