"""Which recognizer or synthesizer a call uses, and why not another: for its record and metrics."""

from __future__ import annotations

from collections.abc import Callable

from bot.parts import Counts, Keeper, Kind, Switch
from providers.errors import ProviderError

__all__ = ["EngineLog"]

CHOSEN = "chosen"
"""Why another one is used though none has failed: it was quicker, or speaks the language."""


class EngineLog:
    """A `Follower` for one kind of engine in one stream of a call.

    Args:
        kind: which.
        counts, keeper: where it is noted.
        now_ms: the call's clock.
    """

    def __init__(
        self, kind: Kind, counts: Counts, keeper: Keeper, now_ms: Callable[[], float]
    ) -> None:
        self._kind = kind
        self._counts = counts
        self._keeper = keeper
        self._now_ms = now_ms
        self._used: str | None = None
        self._reason = CHOSEN

    def uses(self, name: str) -> None:
        """From now on it is this one."""
        before, self._used = self._used, name
        reason, self._reason = self._reason, CHOSEN
        if name == before:
            return
        self._keeper.uses(self._kind, name)
        if before is not None:
            self._counts.switches[self._kind, before, name] += 1
            at_ms = round(self._now_ms())
            self._keeper.switched(Switch(self._kind, before, name, at_ms, reason))

    def failed(self, name: str, error: ProviderError) -> None:
        """It has failed."""
        self._counts.provider_errors[self._kind, name] += 1
        if self._kind == "stt":
            self._counts.stt_errors += 1
        else:
            self._counts.tts_errors += 1
        self._used = self._used or name
        self._reason = type(error).__name__
