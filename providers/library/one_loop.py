"""What belongs to one event loop at a time: the loop itself, and the model that hears speech."""

from __future__ import annotations

import asyncio

from ..ears import Ears
from ..errors import UnavailableError
from ..vad import load_model

__all__ = ["Hearing", "OneLoop"]


class OneLoop:
    """Sees that something is used on one event loop at a time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def enter(self) -> None:
        """Use it on the loop that runs.

        Raises:
            UnavailableError: it is in use on another one.
        """
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise UnavailableError(
                "providers",
                "this processor is in use on another event loop",
                hint="end with `await aclose()` on that loop, or make one for each",
                retryable=False,
            )
        self._loop = loop

    def leave(self) -> None:
        """From now on it may be used on any."""
        self._loop = None


class Hearing:
    """What tells where speech is; its model is loaded when it is first needed."""

    def __init__(self) -> None:
        self._ears: Ears | None = None
        # Another one after each `forget`: a lock belongs to the loop where somebody waited for it.
        self._loading = asyncio.Lock()

    async def ears(self) -> Ears:
        """Raises:
        UnavailableError: `forget` was called meanwhile.
        """
        loading = self._loading
        async with loading:
            self._check(loading)
            if self._ears is None:
                ears = Ears(await asyncio.to_thread(load_model, "auto"))
                self._check(loading)
                self._ears = ears
            return self._ears

    def forget(self) -> Ears | None:
        """Let go of the model; returns what is to be closed. It may be used again."""
        ears, self._ears, self._loading = self._ears, None, asyncio.Lock()
        return ears

    def _check(self, loading: asyncio.Lock) -> None:
        if loading is not self._loading:
            raise UnavailableError(
                "providers", "all was closed before it began", hint="begin anew", retryable=False
            )
