"""PURE: how far Azure's recognizer got with a turn, and whose end it has come to.

The service ends a turn by itself when nobody has spoken for a while, or when it is told to. Its own
end may cross ours, and which of both `turn.end` tells of is not said; nor is what it says of the
turn's silence a sign, since that is the same for both. So it is where the silence is: well before
the end of what was sent, and well behind the last words, it is of an end of the service's own.
"""

from __future__ import annotations

__all__ = ["Progress"]

LEAD_MS = 1_000.0
"""So long before the end of a silence a word may have begun that the service has not noticed."""
SHORT_MS = 200.0
"""By so much the end of the audio that it tells of may fall short of what it was sent."""


class Progress:
    """Of one turn. Times are the turn's.

    Args:
        pause_ms: the silence after which an utterance is over.

    Attributes:
        done_ms: up to where all is told of the audio.
    """

    def __init__(self, pause_ms: float) -> None:
        self.done_ms = 0.0
        self._quiet_ms = max(LEAD_MS, 2.0 * pause_ms)  # it ends no turn after less
        self._spoken_ms = 0.0  # the end of the last words that are final
        self._silent_ms = 0.0  # up to where it has told of silence

    def speak(self, end_ms: float) -> None:
        """Words up to there are final."""
        self._spoken_ms = max(self._spoken_ms, end_ms)
        self.done_ms = max(self.done_ms, end_ms)

    def fall_silent(self, end_ms: float) -> None:
        """It has listened up to there, and told all words but one that begins."""
        self._silent_ms = max(self._silent_ms, end_ms)
        self.done_ms = max(self.done_ms, end_ms - LEAD_MS)

    def is_cut_off(self, sent_ms: float) -> bool:
        """Whether a turn that has ended was ended by the service before it was told to.

        Args:
            sent_ms: how much audio it was sent.
        """
        behind_ms = self._spoken_ms + self._quiet_ms
        return behind_ms < self._silent_ms < sent_ms - SHORT_MS
