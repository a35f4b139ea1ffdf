"""PURE: by when a vendor must have answered, and when to look at what its silence means."""

from __future__ import annotations

__all__ = ["Due"]


class Due:
    """Deadlines of answers, in seconds of a clock that is told.

    Attributes:
        at_s: when to look at what the vendor has said; None while it owes nothing.
        latest_s: by when it must have said something.
    """

    def __init__(self) -> None:
        self.at_s: float | None = None
        self.latest_s = 0.0
        self._silence_s: float | None = None

    @property
    def is_expected(self) -> bool:
        """Whether an answer has to come."""
        return self.at_s is not None

    def expect(self, now_s: float, patience_s: float, silence_s: float | None) -> None:
        """An answer has to come, within `patience_s`; for `silence_s` see `look_again`."""
        self.latest_s = now_s + patience_s
        self.look_again(now_s, silence_s)

    def look_again(self, now_s: float, silence_s: float | None) -> None:
        """Look later, at the latest when the answer must be there.

        Args:
            now_s: the time.
            silence_s: after so long without a word the vendor's silence may be the answer.
        """
        self._silence_s = silence_s
        self.at_s = self.latest_s
        if silence_s is not None:
            self.at_s = min(now_s + silence_s, self.latest_s)

    def is_changed(self, silence_s: float | None) -> bool:
        """Whether that silence is another one now than when it was decided when to look."""
        return self.at_s is not None and silence_s != self._silence_s

    def settle(self) -> None:
        """The vendor owes nothing."""
        self.at_s = None
