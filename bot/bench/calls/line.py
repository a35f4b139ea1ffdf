"""What the phones and vendors of one round share: the clock's wheel, the audio, what was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .script import Track
from .series import Series
from .wheel import Wheel

__all__ = ["Line", "Seen"]


@dataclass(slots=True)
class Seen:
    """What was measured of a round, all in ms.

    Attributes:
        frame_lateness: how late the phones sent frames, and
        piece_lateness: the synthesizer pieces of audio: our own faults.
        late_in: from a piece's last frame sent by the phone to the piece's arrival at the
            recognizer; while that was still being connected to, from then on.
        gaps_out: how long a phone had nothing to play in the middle of a reply.
        responses: from the end of a turn sent to its reply's text received, and from the first
            piece of audio sent to the first media message received.
        echoes: the way of a frame to the bare echo and back.
        counts: turns `ended`, replies `asked` for, asked for `again`, `begun` to be heard, `barged`
            into, left `unfinished`; and what is `strange`: audio and texts that are nobody's.
    """

    frame_lateness: Series = field(default_factory=Series)
    piece_lateness: Series = field(default_factory=Series)
    late_in: Series = field(default_factory=Series)
    gaps_out: Series = field(default_factory=Series)
    responses: Series = field(default_factory=Series)
    echoes: Series = field(default_factory=Series)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Line:
    """One round's."""

    track: Track
    wheel: Wheel
    seen: Seen
