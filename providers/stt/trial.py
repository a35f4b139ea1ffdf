"""A try whether a recognizer takes what it is given: the key, the model, the options."""

from __future__ import annotations

import asyncio

from ..errors import DeadlineError
from ..types import SttOptions, SttProvider

__all__ = ["try_out"]

DEADLINE_S = 10.0
SILENCE_MS = 100
"""Some vendors find a stream without any audio wrong."""


async def try_out(recognizer: SttProvider, options: SttOptions) -> None:
    """Have silence recognized, to the end: what is refused after the connection shows only then.

    Raises:
        ProviderError: something is refused, or there is no answer within 10 s.
    """
    try:
        async with asyncio.timeout(DEADLINE_S), recognizer.stream(options) as stream:
            stream.send(options.audio.silence(SILENCE_MS))
            await stream.finish()
            async for _ in stream:
                pass
    except TimeoutError:
        late = f"no answer within {DEADLINE_S:g} s"
        raise DeadlineError(recognizer.name, late) from None
