"""Which workers are ready, asked of each twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx

from .target import Target

__all__ = ["Health"]

_PERIOD_S = 0.5
_TIMEOUT_S = 0.4


class Health:
    """Orders the targets: those that said to be ready, then the others, each in their own order."""

    def __init__(self, targets: Sequence[Target], http: httpx.AsyncClient) -> None:
        self._targets = tuple(targets)
        self._http = http
        self._ready: frozenset[Target] = frozenset()

    @property
    def ordered(self) -> list[Target]:
        return sorted(self._targets, key=lambda target: target not in self._ready)

    def refused(self, target: Target) -> None:
        """A connection was refused, or broke: until it is asked again, it is not ready."""
        self._ready -= {target}

    async def check(self) -> None:
        """Ask all of them at once; this takes 0.4 s if one is frozen."""
        answers = await asyncio.gather(*map(self._is_ready, self._targets))
        pairs = zip(self._targets, answers, strict=True)
        self._ready = frozenset(target for target, ready in pairs if ready)

    async def watch(self) -> None:
        """Go on asking until cancelled."""
        now_s = asyncio.get_running_loop().time
        due_s = now_s()
        while True:
            due_s = max(due_s + _PERIOD_S, now_s())
            await asyncio.sleep(due_s - now_s())
            await self.check()

    async def _is_ready(self, target: Target) -> bool:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                response = await self._http.get(f"{target.http_url}/ready", timeout=None)
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success
