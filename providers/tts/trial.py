"""A try whether a synthesizer takes what it is given: the key, the model, the language."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from ..errors import DeadlineError, UnavailableError
from ..options import TtsOptions
from ..types import TtsProvider

__all__ = ["try_out"]

DEADLINE_S = 10.0
TEXT = "Hi."
"""Vendors want money for each character."""


async def try_out(synthesizer: TtsProvider, options: TtsOptions) -> None:
    """Have a word spoken, to its first audio.

    Raises:
        ProviderError: something is refused, or there is no audio within 10 s.
    """
    try:
        async with (
            asyncio.timeout(DEADLINE_S),
            aclosing(synthesizer.synthesize(TEXT, options)) as chunks,
        ):
            async for chunk in chunks:
                if chunk.audio:
                    return
    except TimeoutError:
        late = f"no audio within {DEADLINE_S:g} s"
        raise DeadlineError(synthesizer.name, late) from None
    raise UnavailableError(synthesizer.name, "a text was answered without audio")
