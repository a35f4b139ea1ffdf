"""The speech engines of the process: built by name, started before the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import structlog

from bot.metrics import Metrics
from bot.numbers import BotSettings, provider_names
from bot.starting import (
    Preparation,
    Sentence,
    check_reach,
    check_started,
    start_engine,
    together,
)
from providers.catalog import build_stt, build_tts, facts_of
from providers.errors import ProviderError
from providers.fallback import Candidate, Fallback
from providers.metered import MeteredStt, MeteredTts
from providers.probing import Prober
from providers.stt.attempts import check_language
from providers.types import SttProvider, TtsOptions, TtsProvider
from providers.usage import Account

__all__ = ["Engines", "tts_options"]

log = structlog.get_logger(__name__)

HEALTH_EVERY_S = 1.0
WELL = "well"

EngineT = TypeVar("EngineT", SttProvider, TtsProvider)


class Engines:
    """Recognizers and synthesizers by name, and the apology in every voice that may need it.

    A bot may have several of a kind, named with commas between them: who fails is replaced.

    Args:
        bots: what the numbers of this deployment use.
        apology: the sentence to say when a reply cannot be had.
        farewell: the sentence to say when the call cannot go on.
        settings: further settings of a provider, by its name.
        account: what they are used for, and may cost; None is one that nobody looks at.

    Raises:
        ProviderError: none of those that a bot may use can be built.
    """

    def __init__(
        self,
        bots: Iterable[BotSettings],
        apology: str,
        farewell: str,
        settings: dict[str, dict[str, Any]] | None = None,
        *,
        account: Account | None = None,
    ) -> None:
        self._bots = list(bots)
        self._apology = apology
        self._farewell = farewell
        settings = settings or {}
        account = account or Account()

        def stt(name: str, **own: Any) -> SttProvider:
            return MeteredStt(build_stt(name, **own), account, facts_of("stt", name, own))

        def tts(name: str, **own: Any) -> TtsProvider:
            return MeteredTts(build_tts(name, **own), account, facts_of("tts", name, own))

        self._stt = _built({bot.stt_provider for bot in self._bots}, stt, settings)
        self._tts = _built({bot.tts_provider for bot in self._bots}, tts, settings)
        self._recognizers = _each(self._stt.values())
        self._synthesizers = _each(self._tts.values())
        self._prober = Prober(self._recognizers, self._synthesizers)
        self._ready: dict[Sentence, bytes] = {}

    async def start(self) -> None:
        """Load every engine, and synthesize what must be there when one fails.

        Raises:
            ProviderError: no engine that a bot may use can be had, or they take too long
                (`DeadlineError`).
        """
        engines: list[Candidate[SttProvider] | Candidate[TtsProvider]] = [
            *self._recognizers,
            *self._synthesizers,
        ]
        await together(map(start_engine, engines))
        for recognizers in self._stt.values():
            check_started(recognizers)
        for synthesizers in self._tts.values():
            check_started(synthesizers)
        for bot in self._bots:
            check_language(self.stt(bot), bot.language)
        await check_reach(self._stt.values())
        await together(
            Preparation(tts, self._needed(names), self._ready).run()
            for names, tts in self._tts.items()
        )

    async def run(self, metrics: Metrics) -> None:
        """See, as long as the worker runs, whether those that have failed are well again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prober.run())
            while True:
                for kind, states in self.health().items():
                    for name, state in states.items():
                        metrics.provider_well.labels(kind, name).set(state == WELL)
                await asyncio.sleep(HEALTH_EVERY_S)

    async def aclose(self) -> None:
        """Release every engine."""
        for recognizer in self._recognizers:
            await recognizer.provider.aclose()
        for synthesizer in self._synthesizers:
            await synthesizer.provider.aclose()

    def stt(self, bot: BotSettings) -> Fallback[SttProvider]:
        """The recognizers of a bot."""
        return self._stt[bot.stt_provider]

    def recognizer(self, name: str) -> Candidate[SttProvider] | None:
        """The recognizer of that name; None when no bot uses it."""
        return next((one for one in self._recognizers if one.name == name), None)

    def tts(self, bot: BotSettings) -> Fallback[TtsProvider]:
        """The synthesizers of a bot."""
        return self._tts[bot.tts_provider]

    def health(self) -> dict[str, dict[str, str]]:
        """How well each is, by kind and name: `well`, or the kind of error for which it rests."""
        return {
            "stt": {one.name: _state(one.health.error) for one in self._recognizers},
            "tts": {one.name: _state(one.health.error) for one in self._synthesizers},
        }

    def free_recognizer(self, bot: BotSettings, taken: Mapping[str, int]) -> str | None:
        """Which recognizer takes one more call; None when those that are well are full.

        Args:
            bot: who answers; only those that understand its language are of use.
            taken: how many streams each has.
        """
        candidates = self.stt(bot).ranked(lambda one: one.capabilities.understands(bot.language))
        well = [candidate for candidate in candidates if candidate.health.well]
        for candidate in well or candidates:
            capacity = candidate.provider.capacity
            if capacity is None or taken.get(candidate.name, 0) < capacity:
                return candidate.name
        return None

    def capacity(self, others: Mapping[str, int]) -> int | None:
        """How many calls the recognizers of any bot take; None when nothing but the worker's own
        limit bounds them.

        Args:
            others: how many streams each has that are of no call.
        """
        each = (self._capacity(bot, others) for bot in self._bots)
        return min((most for most in each if most is not None), default=None)

    def _capacity(self, bot: BotSettings, others: Mapping[str, int]) -> int | None:
        usable = self.stt(bot).ranked(lambda one: one.capabilities.understands(bot.language))
        capacity = 0
        for candidate in usable:
            if candidate.provider.capacity is None:
                return None
            capacity += max(0, candidate.provider.capacity - others.get(candidate.name, 0))
        return capacity

    def apology(self, bot: BotSettings) -> tuple[str, bytes]:
        """The apology in a bot's voice: its text, and µ-law at 8 kHz, empty without one."""
        return self._spoken(self._apology, bot)

    def farewell(self, bot: BotSettings) -> tuple[str, bytes]:
        """The farewell in a bot's voice: its text, and µ-law at 8 kHz."""
        return self._spoken(self._farewell, bot)

    def _needed(self, names: str) -> list[Sentence]:
        """What the synthesizers of those names must have spoken, each once."""
        bots = [bot for bot in self._bots if bot.tts_provider == names]
        texts = (self._apology, self._farewell)
        return list(
            dict.fromkeys((text, names, tts_options(bot)) for bot in bots for text in texts)
        )

    def _spoken(self, text: str, bot: BotSettings) -> tuple[str, bytes]:
        return text, self._ready.get((text, bot.tts_provider, tts_options(bot)), b"")


def _built(
    bots: Iterable[str],
    build: Callable[..., EngineT],
    settings: Mapping[str, Mapping[str, Any]],
) -> dict[str, Fallback[EngineT]]:
    """The engines of each bot, by their names with commas between them; each is built once.

    Raises:
        ProviderError: none that a bot may use can be built.
    """
    candidates: dict[str, Candidate[EngineT]] = {}
    errors: dict[str, ProviderError] = {}
    for name in sorted({name for names in bots for name in provider_names(names)}):
        try:
            candidates[name] = Candidate(name, build(name, **settings.get(name, {})))
        except ProviderError as error:
            errors[name] = error
    built = {}
    for names in bots:
        named = provider_names(names)
        usable = [candidates[name] for name in named if name in candidates]
        if not usable:
            raise errors[named[0]]
        built[names] = Fallback(usable, named)
    for name, unusable in errors.items():
        log.error("provider cannot be used", provider=name, error=str(unusable))
    return built


def _each(groups: Iterable[Fallback[EngineT]]) -> list[Candidate[EngineT]]:
    return list({candidate: None for group in groups for candidate in group.candidates})


def _state(error: ProviderError | None) -> str:
    return WELL if error is None else type(error).__name__


def tts_options(bot: BotSettings) -> TtsOptions:
    """How a bot speaks."""
    return TtsOptions(language=bot.language, voice=bot.voice)
