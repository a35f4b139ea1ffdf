"""Touch tones of one call: each by itself, or gathered into one string."""

from __future__ import annotations

from bot.dialog import Gather
from bot.progress import Gathering

__all__ = ["MAX_KEYS", "Keys"]

MAX_KEYS = 64
"""A gather without a number of digits is complete here."""


class Keys:
    """Collects keys. Times are milliseconds on the call's clock.

    `gathering` is what is being collected, perhaps since an earlier stream.
    """

    def __init__(self, gathering: Gathering | None = None, now_ms: float = 0.0) -> None:
        self.gathering = gathering
        self._due_ms: float | None = None
        if gathering is not None and gathering.pressed:
            self._due_ms = now_ms + gathering.gather.timeout_s * 1000

    @property
    def deadline_ms(self) -> float | None:
        """When `tick` is due; None when nothing is being waited for."""
        return self._due_ms

    def gather(self, gather: Gather) -> None:
        """Collect keys from now on, until they are complete."""
        self.gathering = Gathering(gather)
        self._due_ms = None

    def forget(self) -> None:
        """Collect no keys any more, nor those that were pressed."""
        self.gathering = None
        self._due_ms = None

    def press(self, digit: str, now_ms: float) -> str | None:
        """A key was pressed. Returns what is complete with it: itself, or the gathered keys."""
        gathering = self.gathering
        if gathering is None:
            return digit
        if digit == gathering.gather.finish_on:
            return self._complete(gathering)
        gathering.pressed += digit
        if len(gathering.pressed) >= (gathering.gather.digits or MAX_KEYS):
            return self._complete(gathering)
        self._due_ms = now_ms + gathering.gather.timeout_s * 1000
        return None

    def tick(self, now_ms: float) -> str | None:
        """The gathered keys, when no further one came in time."""
        if self.gathering is None or self._due_ms is None or now_ms < self._due_ms:
            return None
        return self._complete(self.gathering)

    def _complete(self, gathering: Gathering) -> str:
        self.forget()
        return gathering.pressed
