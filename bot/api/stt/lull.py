"""When a session's audio stops coming: a client that is muted, say, sends no silence either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["SLACK_S", "Lull"]

SLACK_S = 1.5
"""So much later than silence ends an utterance, no audio at all does: networks stall for a while,
and half a word would be understood as another one."""
MOST_PIECE_S = 10.0
FADES = 0.9
"""Clients send pieces of about the same length; a long one tells less and less of the next."""
LATE_S = 0.25
"""A timer that goes off so late was held up, and so was the audio that has come meanwhile."""


class Lull:
    """Notices that audio has stopped coming, on the loop's clock.

    Audio that is sent as it is spoken comes in pieces, each as late as it is long: the next is
    waited for as long as the ones before were.

    One timer sees to it, which is armed again only when it goes off, however much comes.

    Args:
        on_lull: called when it has stopped; must not wait.
    """

    def __init__(self, on_lull: Callable[[], None]) -> None:
        self._on_lull = on_lull
        self._piece_s = 0.0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def came(self, piece_ms: float, took_s: float, silence_ms: float) -> None:
        """Audio has come.

        Args:
            piece_ms: how long it is.
            took_s: how long its client was kept waiting: the next piece may be there already.
            silence_ms: how much silence would end an utterance.
        """
        piece_s = min(piece_ms / 1000 - took_s, MOST_PIECE_S)
        self._piece_s = max(piece_s, self._piece_s * FADES)
        self._due_s = _now_s() + silence_ms / 1000 + SLACK_S + self._piece_s
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """No more audio is waited for. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._due_s, self._look, self._due_s)

    def _look(self, due_s: float) -> None:
        if (now_s := _now_s()) - due_s > LATE_S:
            self._due_s = max(self._due_s, now_s + SLACK_S)
        if self._due_s > now_s:
            self._arm()
            return
        self._timer = None
        self._on_lull()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
