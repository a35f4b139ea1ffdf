"""Sees in the background whether providers that rest are well again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from .errors import CapacityError, ProviderError
from .fallback import Candidate
from .options import SttOptions, TtsOptions
from .stt.trial import try_out as try_recognizer
from .tts.trial import try_out as try_synthesizer
from .types import SttProvider, TtsProvider

__all__ = ["Prober", "probe_stt"]

EVERY_S = 1.0


class Prober:
    """Probes the providers of one process, each by a short stream or a word of speech.

    Args:
        stt, tts: all that may be used; looked at anew each time.
    """

    def __init__(
        self,
        stt: Collection[Candidate[SttProvider]] = (),
        tts: Collection[Candidate[TtsProvider]] = (),
    ) -> None:
        self._stt = stt
        self._tts = tts

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.probe_due()

    async def probe_due(self) -> None:
        """Probe those whose rest is over."""
        async with asyncio.TaskGroup() as group:
            for recognizer in filter(_is_due, self._stt):
                group.create_task(probe_stt(recognizer))
            for synthesizer in filter(_is_due, self._tts):
                group.create_task(_probe_tts(synthesizer))


def _is_due(candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> bool:
    health = candidate.health
    return not health.well and asyncio.get_running_loop().time() >= health.probe_due_s


async def probe_stt(candidate: Candidate[SttProvider]) -> None:
    """See, by a short stream, whether a recognizer is well, and note it."""
    recognizer, began_s = candidate.provider, asyncio.get_running_loop().time()
    able = recognizer.capabilities
    options = SttOptions(language=able.languages[0], audio=able.audio[0])
    try:
        await _start(candidate)
        await try_recognizer(recognizer, options)
    except CapacityError:
        pass  # others use it
    except ProviderError as error:
        candidate.fell_ill(error)
        return
    candidate.succeeded(began_s)


async def _probe_tts(candidate: Candidate[TtsProvider]) -> None:
    synthesizer, began_s = candidate.provider, asyncio.get_running_loop().time()
    options = TtsOptions(language=synthesizer.capabilities.languages[0])
    try:
        await _start(candidate)
        await try_synthesizer(synthesizer, options)
    except ProviderError as error:
        candidate.fell_ill(error)
        return
    candidate.succeeded(began_s)


async def _start(candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> None:
    """Start what could not be started before.

    Raises:
        ProviderError: it still cannot.
    """
    if not candidate.started:
        await candidate.provider.start()
        candidate.started = True
