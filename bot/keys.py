"""Touch tones of one call: each by itself, or gathered into one string."""

from __future__ import annotations

from bot.dialog import Gather

__all__ = ["MAX_KEYS", "Keys"]

MAX_KEYS = 64
"""A gather without a number of digits is complete here."""


class Keys:
    """Collects keys. Times are milliseconds on the call's clock."""

    def __init__(self) -> None:
        self._gather: Gather | None = None
        self._pressed = ""
        self._due_ms: float | None = None

    @property
    def deadline_ms(self) -> float | None:
        """When `tick` is due; None when nothing is being waited for."""
        return self._due_ms

    def gather(self, gather: Gather) -> None:
        """Collect keys from now on, until they are complete."""
        self._gather = gather
        self._pressed = ""
        self._due_ms = None

    def press(self, digit: str, now_ms: float) -> str | None:
        """A key was pressed. Returns what is complete with it: itself, or the gathered keys."""
        gather = self._gather
        if gather is None:
            return digit
        if digit == gather.finish_on:
            return self._complete()
        self._pressed += digit
        if len(self._pressed) >= (gather.digits or MAX_KEYS):
            return self._complete()
        self._due_ms = now_ms + gather.timeout_s * 1000
        return None

    def tick(self, now_ms: float) -> str | None:
        """The gathered keys, when no further one came in time."""
        if self._due_ms is None or now_ms < self._due_ms:
            return None
        return self._complete()

    def _complete(self) -> str:
        pressed, self._pressed = self._pressed, ""
        self._gather = None
        self._due_ms = None
        return pressed
