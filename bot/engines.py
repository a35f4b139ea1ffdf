"""The speech engines of the process: built by name, started before the first call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import structlog

from bot.numbers import BotSettings
from bot.speech import synthesize_ulaw
from providers.catalog import build_stt, build_tts
from providers.errors import DeadlineError, ProviderError, UnsupportedError
from providers.types import SttProvider, TtsOptions, TtsProvider

__all__ = ["Engines", "check_language", "tts_options"]

log = structlog.get_logger(__name__)

START_DEADLINE_S = 60.0
AT_ONCE = 4
"""So many sentences of a synthesizer are prepared at a time: one connection takes as many."""


Sentence = tuple[str, str, TtsOptions]
"""A text, the synthesizer's name, and how it speaks."""


class Engines:
    """Recognizers and synthesizers by name, and the apology in every voice that may need it.

    Args:
        bots: what the numbers of this deployment use.
        apology: the sentence to say when a reply cannot be had.
        farewell: the sentence to say when the call cannot go on.
        settings: further settings of a provider, by its name.
    """

    def __init__(
        self,
        bots: Iterable[BotSettings],
        apology: str,
        farewell: str,
        settings: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self._bots = list(bots)
        self._apology = apology
        self._farewell = farewell
        settings = settings or {}
        recognizers = {bot.stt_provider for bot in self._bots}
        synthesizers = {bot.tts_provider for bot in self._bots}
        self._stt = {name: build_stt(name, **settings.get(name, {})) for name in recognizers}
        self._tts = {name: build_tts(name, **settings.get(name, {})) for name in synthesizers}
        self._ready: dict[Sentence, bytes] = {}

    async def start(self) -> None:
        """Load every engine, and synthesize what must be there when one fails.

        Raises:
            ProviderError: an engine cannot be had, or takes too long (`DeadlineError`).
        """
        engines: list[SttProvider | TtsProvider] = [*self._stt.values(), *self._tts.values()]
        await _together(map(_start, engines))
        for bot in self._bots:
            check_language(self.stt(bot), bot.language)
        await _together(
            _Preparation(tts, self._needed(name), self._ready).run()
            for name, tts in self._tts.items()
        )

    async def aclose(self) -> None:
        """Release every engine."""
        for recognizer in self._stt.values():
            await recognizer.aclose()
        for synthesizer in self._tts.values():
            await synthesizer.aclose()

    def stt(self, bot: BotSettings) -> SttProvider:
        """The recognizer of a bot."""
        return self._stt[bot.stt_provider]

    def capacity(self, stt_provider: str) -> int | None:
        """How many calls at a time the recognizer of that name takes; None is any number."""
        return self._stt[stt_provider].capacity

    def tts(self, bot: BotSettings) -> TtsProvider:
        """The synthesizer of a bot."""
        return self._tts[bot.tts_provider]

    def apology(self, bot: BotSettings) -> tuple[str, bytes]:
        """The apology in a bot's voice: its text, and µ-law at 8 kHz, empty without one."""
        return self._spoken(self._apology, bot)

    def farewell(self, bot: BotSettings) -> tuple[str, bytes]:
        """The farewell in a bot's voice: its text, and µ-law at 8 kHz."""
        return self._spoken(self._farewell, bot)

    def _needed(self, name: str) -> list[Sentence]:
        """What the synthesizer of that name must have spoken, each once."""
        bots = [bot for bot in self._bots if bot.tts_provider == name]
        texts = (self._apology, self._farewell)
        return list(dict.fromkeys((text, name, tts_options(bot)) for bot in bots for text in texts))

    def _spoken(self, text: str, bot: BotSettings) -> tuple[str, bytes]:
        return text, self._ready.get((text, bot.tts_provider, tts_options(bot)), b"")


class _Preparation:
    """Has one synthesizer speak sentences, until it is found to be away."""

    def __init__(
        self, tts: TtsProvider, sentences: Iterable[Sentence], ready: dict[Sentence, bytes]
    ) -> None:
        self._tts = tts
        self._sentences = iter(sentences)
        self._ready = ready
        self._away = not tts.reached

    async def run(self) -> None:
        """Speak them all, some at the same time.

        Raises:
            ProviderError: one that another attempt would not mend.
        """
        await _together(self._speak() for _ in range(AT_ONCE))

    async def _speak(self) -> None:
        for sentence in self._sentences:
            if self._away:
                return
            text, _, options = sentence
            try:
                self._ready[sentence] = await synthesize_ulaw(self._tts, text, options)
            except ProviderError as error:
                if not error.retryable:
                    raise  # a voice that does not exist, say: no reply could be spoken either
                self._give_up(error)

    def _give_up(self, error: ProviderError) -> None:
        # Calls can be answered without these: each is tried again when it is wanted, and Twilio
        # says it when there is no voice then either.
        if not self._away:
            log.warning("apology could not be synthesized", error=str(error))
        self._away = True


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do it all at the same time. The first error ends the rest, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _start(engine: SttProvider | TtsProvider) -> None:
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            await engine.start()
    except TimeoutError:
        raise DeadlineError(
            engine.name,
            f"it has not started within {START_DEADLINE_S:g} s",
            hint="see what keeps this machine busy, or choose another engine",
        ) from None


def check_language(stt: SttProvider, language: str) -> None:
    """Refuse a language before it costs a call.

    Raises:
        UnsupportedError: the recognizer does not understand it.
    """
    if not stt.capabilities.understands(language):
        offered = ", ".join(stt.capabilities.languages)
        raise UnsupportedError(
            stt.name, f"language {language!r} is not on offer", hint=f"it understands {offered}"
        )


def tts_options(bot: BotSettings) -> TtsOptions:
    """How a bot speaks."""
    return TtsOptions(language=bot.language, voice=bot.voice)
