"""PURE: how much audio a connection was given, and where in the stream the vendor's times are.

To keep a connection open, or to make a commit long enough, some vendors must be sent silence that
is no part of the stream: their clock then runs ahead of it.
"""

from __future__ import annotations

__all__ = ["Timeline"]


class Timeline:
    """What was sent on a connection. Times are in ms.

    Attributes:
        sent_ms: how much, as the vendor counts.
    """

    def __init__(self) -> None:
        self.sent_ms = 0.0
        self._added_ms = 0.0
        self._added_before_ms = 0.0  # what was put in before the earliest of `_added`
        self._added: list[tuple[float, float]] = []  # where, and how much

    @property
    def stream_ms(self) -> float:
        """How much of the stream was sent."""
        return self.sent_ms - self._added_ms

    def send(self, duration_ms: float) -> None:
        """More of the stream goes."""
        self.sent_ms += duration_ms

    def add(self, duration_ms: float) -> None:
        """Silence goes that the stream does not have."""
        if self._added and sum(self._added[-1]) == self.sent_ms:
            at_ms, before_ms = self._added.pop()
            self._added.append((at_ms, before_ms + duration_ms))
        else:
            self._added.append((self.sent_ms, duration_ms))
        self._added_ms += duration_ms
        self.sent_ms += duration_ms

    def place(self, vendor_ms: float) -> int:
        """What the vendor times there is there in the stream."""
        before_ms = self._added_before_ms
        for at_ms, duration_ms in self._added:
            before_ms += min(duration_ms, max(0.0, vendor_ms - at_ms))
        return max(0, round(vendor_ms - before_ms))

    def forget(self, vendor_ms: float) -> None:
        """Nothing will be placed any more that is before that."""
        while self._added and sum(self._added[0]) <= vendor_ms:
            self._added_before_ms += self._added.pop(0)[1]
