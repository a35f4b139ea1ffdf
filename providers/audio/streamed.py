"""Audio decoded as it comes, in whatever it is wrapped: what a browser records, say.

::

    decoder = StreamDecoder("auto", 16_000)
    async for samples in decoder.feed(data):
        ...
    async for samples in decoder.finish():
        ...
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncGenerator
from functools import partial
from typing import Literal

from media.audio import Samples

from ..errors import DeadlineError, InvalidAudioError, ProviderError
from .pulled import Pull, Pulled
from .unwrapped import Streamed, unwrapped

__all__ = ["StreamDecoder"]

STEP_S = 20.0
"""How long one step may take: a second of audio is decoded in a few ms."""
MOST_SILENT_BYTES = 8 << 20
"""So much may come without any audio in it: pictures in tags may be large."""


class StreamDecoder:
    """Decodes one stream, for one task at a time, in a thread of its own.

    Samples have the shape [n] for one channel, else [n, 2], or [n, 1] where the stream has but one.
    They are the same however the bytes were cut, and are given about a second at a time.

    Args:
        container: what the stream is in; `auto` goes by its first bytes.
        rate_hz: of what is given.
        channels: 1 for what is one whatever the stream has, or 2.
    """

    def __init__(
        self, container: Streamed | Literal["auto"], rate_hz: int, channels: int = 1
    ) -> None:
        decode = partial(unwrapped, container, rate_hz, channels)
        self._pulled = Pulled(decode, enough=rate_hz)
        self._turn: asyncio.Future[Pull] | None = None  # the decoder's, if it has one
        self._ready: deque[Samples] = deque()
        self._silent_bytes = 0
        self._over = False
        self._error: ProviderError | None = None
        # Who forgets to close it keeps no thread.
        weakref.finalize(self, self._pulled.shutdown, wait=False)

    async def feed(self, data: bytes) -> AsyncGenerator[Samples, None]:
        """Give all that can be decoded by now.

        Who stops in the midst of it gets the rest with the next bytes.

        Raises:
            InvalidAudioError: it is not what it is said to be, is damaged, or holds no audio.
            UnsupportedFormatError: it is of a kind that cannot be decoded as it comes.
            UnsupportedRateError: its rate is below 4 or above 192 kHz.
            MissingKeyError: it has to be decoded, and PyAV is not installed.
            DeadlineError: the decoder is stuck.
        """
        self._silent_bytes += len(data)
        async for samples in self._pushed(data):
            self._silent_bytes = 0
            yield samples
        if self._silent_bytes > MOST_SILENT_BYTES:
            raise self._failed(
                InvalidAudioError("audio", "the stream goes on and on without any audio")
            )

    async def finish(self) -> AsyncGenerator[Samples, None]:
        """No more bytes: give the rest. That it ends in the midst is no error.

        Raises: as `feed`.
        """
        async for samples in self._pushed(None):
            yield samples

    def close(self) -> None:
        """Release the decoder at once; what is fed now is not listened to. Idempotent."""
        self._over = True
        self._pulled.shutdown(wait=False)

    async def _pushed(self, data: bytes | None) -> AsyncGenerator[Samples, None]:
        """Push, and give what comes of it, after what nobody took of what came before."""
        async for samples in self._taken():
            yield samples
        if not self._over:
            self._turn = self._begun(data)
            async for samples in self._taken():
                yield samples

    async def _taken(self) -> AsyncGenerator[Samples, None]:
        while True:
            while self._ready:
                yield self._ready.popleft()
            if self._error is not None:
                raise self._error
            if self._over or self._turn is None:
                return
            pull = await self._done(self._turn)
            self._ready.extend(pull.samples)
            self._over = self._over or pull.over
            self._turn = self._begun(b"") if pull.more else None

    def _begun(self, data: bytes | None) -> asyncio.Future[Pull]:
        push = self._pulled.push
        return asyncio.get_running_loop().run_in_executor(self._pulled, push, data)

    async def _done(self, turn: asyncio.Future[Pull]) -> Pull:
        await asyncio.wait([turn], timeout=STEP_S)
        if not turn.done():
            raise self._failed(
                DeadlineError("audio", f"the decoder has done nothing for {STEP_S:g} s")
            )
        try:
            return turn.result()
        except ProviderError as error:
            raise self._failed(error) from None

    def _failed(self, error: ProviderError) -> ProviderError:
        self._error = error
        self.close()
        return error
