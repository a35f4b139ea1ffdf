"""How the speech engines of a process are started, and have spoken what must be there when one
fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

import structlog

from bot.speech import synthesize_ulaw
from providers.errors import BudgetError, ProviderError, UnavailableError
from providers.fallback import Candidate, Fallback
from providers.probing import probe_stt, start_in_time
from providers.types import SttProvider, TtsOptions, TtsProvider

__all__ = ["Preparation", "Sentence", "check_reach", "check_started", "start_engine", "together"]

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""So many sentences of a synthesizer are prepared at a time: one connection takes as many."""

Sentence = tuple[str, str, TtsOptions]
"""A text, the synthesizers' names, and how they speak."""

EngineT = TypeVar("EngineT", SttProvider, TtsProvider)


class Preparation:
    """Has synthesizers speak sentences, until they are found to be away."""

    def __init__(
        self,
        tts: Fallback[TtsProvider],
        sentences: Iterable[Sentence],
        ready: dict[Sentence, bytes],
    ) -> None:
        self._tts = tts
        self._sentences = iter(sentences)
        self._ready = ready
        self._away = True
        for candidate in tts.candidates:
            if candidate.started and candidate.provider.reached:
                self._away = False
            elif candidate.started:
                away = "it was not reached at the start"
                candidate.fell_ill(UnavailableError(candidate.provider.name, away))

    async def run(self) -> None:
        """Speak them all, some at the same time.

        Raises:
            ProviderError: one that another attempt would not mend.
        """
        await together(self._speak() for _ in range(AT_ONCE))

    async def _speak(self) -> None:
        for sentence in self._sentences:
            if self._away:
                return
            text, _, options = sentence
            try:
                self._ready[sentence] = await synthesize_ulaw(self._tts, text, options)
            except ProviderError as error:
                if not (error.retryable or isinstance(error, BudgetError)):
                    raise  # a voice that does not exist, say: no reply could be spoken either
                self._give_up(error)

    def _give_up(self, error: ProviderError) -> None:
        # Calls can be answered without these: each is tried again when it is wanted, and Twilio
        # says it when there is no voice then either.
        if not self._away:
            log.warning("apology could not be synthesized", error=str(error))
        self._away = True


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do it all at the same time. The first error ends the rest, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def start_engine(candidate: Candidate[SttProvider] | Candidate[TtsProvider]) -> None:
    """Start an engine; one that cannot be started rests."""
    try:
        await start_in_time(candidate.provider)
    except ProviderError as error:
        candidate.started = False
        candidate.fell_ill(error)


async def check_reach(groups: Iterable[Fallback[SttProvider]]) -> None:
    """Find out which of several recognizers are not within reach, so that no call has to.

    They have started all the same: they may be later.
    """
    rivals = {
        candidate: None
        for group in groups
        for candidate in group.candidates
        if len(group.candidates) > 1 and candidate.started
    }
    await together(map(probe_stt, rivals))


def check_started(engines: Fallback[EngineT]) -> None:
    """See that one of them can be used.

    Raises:
        ProviderError: none can; why the preferred one cannot.
    """
    if not any(candidate.started for candidate in engines.candidates):
        error = engines.candidates[0].health.error
        assert error is not None
        raise error
