"""Sees in the background whether providers that rest are well again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import structlog

from .errors import CapacityError, DeadlineError, ProviderError, UnavailableError
from .fallback import Candidate
from .options import SttOptions, TtsOptions
from .stt.trial import try_out as try_recognizer
from .tts.trial import try_out as try_synthesizer
from .types import SttProvider, TtsProvider

__all__ = ["Prober", "probe_stt", "start_in_time"]

log = structlog.get_logger(__name__)

EVERY_S = 1.0
START_DEADLINE_S = 60.0


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
        self._probed: set[Candidate[SttProvider] | Candidate[TtsProvider]] = set()  # just now

    async def run(self) -> None:
        """Probe until cancelled those whose rest is over. None of them waits for another."""
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(EVERY_S)
                for recognizer in filter(self._is_due, self._stt):
                    group.create_task(self._probe(recognizer, probe_stt(recognizer)))
                for synthesizer in filter(self._is_due, self._tts):
                    group.create_task(self._probe(synthesizer, _probe_tts(synthesizer)))

    def _is_due(self, candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> bool:
        if candidate.health.well or candidate in self._probed:
            return False
        return asyncio.get_running_loop().time() >= candidate.health.probe_due_s

    async def _probe(
        self,
        candidate: Candidate[SttProvider] | Candidate[TtsProvider],
        probe: Coroutine[Any, Any, None],
    ) -> None:
        self._probed.add(candidate)
        try:
            await probe
        finally:
            self._probed.remove(candidate)


async def probe_stt(candidate: Candidate[SttProvider]) -> None:
    """See, by a short stream, whether a recognizer is well, and note it."""
    able = candidate.provider.capabilities
    options = SttOptions(language=able.languages[0], audio=able.audio[0])
    with _noted(candidate):
        await _start(candidate)
        with suppress(CapacityError):  # others use it
            await try_recognizer(candidate.provider, options)


async def _probe_tts(candidate: Candidate[TtsProvider]) -> None:
    options = TtsOptions(language=candidate.provider.capabilities.languages[0])
    with _noted(candidate):
        await _start(candidate)
        await try_synthesizer(candidate.provider, options)


@contextmanager
def _noted(candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> Iterator[None]:
    """Note how a probe goes. A fault in a provider is that provider's alone."""
    began_s = asyncio.get_running_loop().time()
    try:
        yield
    except ProviderError as error:
        candidate.fell_ill(error)
    except Exception as fault:
        log.error("a probe failed by a fault", provider=candidate.name, exc_info=fault)
        candidate.fell_ill(
            UnavailableError(candidate.name, f"a probe failed: {type(fault).__name__}")
        )
    else:
        candidate.succeeded(began_s)


async def _start(candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> None:
    """Start what could not be started before.

    Raises:
        ProviderError: it still cannot.
    """
    if not candidate.started:
        await start_in_time(candidate.provider)
        candidate.started = True


async def start_in_time(provider: SttProvider | TtsProvider) -> None:
    """Start a provider.

    Raises:
        ProviderError: it cannot be started, or takes too long (`DeadlineError`).
    """
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            await provider.start()
    except TimeoutError:
        raise DeadlineError(
            provider.name,
            f"it has not started within {START_DEADLINE_S:g} s",
            hint="see what keeps this machine busy, or choose another engine",
        ) from None
