"""eSpeak NG: text-to-speech on this machine, in 130 languages, first audio in a millisecond."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import import_module

from ..errors import (
    DeadlineError,
    MissingKeyError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from ..honoured import Honoured
from ..types import (
    AudioFormat,
    Encoding,
    SynthesisChunk,
    TtsCapabilities,
    TtsOptions,
    Voice,
)
from .espeak_engine import PROVIDER, Engine, Inventory, Utterance, acquire, release
from .espeak_lib import SAMPLE_RATE_HZ, EspeakVoice
from .espeak_segment import Segment, segments_of

__all__ = ["MAX_TEXT_CHARACTERS", "ESpeak"]

MAX_TEXT_CHARACTERS = 5_000
START_DEADLINE_S = 5.0
NORMAL_WORDS_PER_MINUTE = 175
# The library's own limits, espeakRATE_MINIMUM and espeakRATE_MAXIMUM.
WORDS_PER_MINUTE = (80, 450)
COMMON_LANGUAGES = ("en-US", "en-GB", "de", "es", "es-419", "fr-FR", "it", "nl", "pl", "pt-BR")


class ESpeak:
    """The `TtsProvider` for eSpeak NG, from the extra `espeak`.

    Voices are named by their identifier (`gmw/en-US`) or language tag (`en-us`), either with
    a variant if one is wanted (`en-us+f3`). Texts are plain: markup and phonemes are spoken.
    """

    name = PROVIDER
    reached = True
    format = AudioFormat(Encoding.PCM16, SAMPLE_RATE_HZ)

    def __init__(self) -> None:
        try:
            loader = import_module("espeakng_loader")
        except ImportError as error:
            raise MissingKeyError(
                PROVIDER, "eSpeak NG is not installed", hint="pip install 'parley[espeak]'"
            ) from error
        self._paths: tuple[str, str] = (loader.get_library_path(), loader.get_data_path())
        self.capabilities = TtsCapabilities(languages=COMMON_LANGUAGES, word_positions=True)
        self._honoured = Honoured(PROVIDER, self.capabilities)
        self._engine: Engine | None = None
        self._inventory = Inventory((), ())
        self._open: set[Utterance] = set()

    async def start(self) -> None:
        """Load the library in its thread. Idempotent.

        Raises:
            MissingKeyError: the library or its data cannot be loaded.
            DeadlineError: that took more than 5 s.
        """
        if self._engine is None:
            self._engine = acquire(*self._paths)
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                self._inventory = await asyncio.wrap_future(self._engine.started)
        except BaseException as error:
            await self.aclose()
            if isinstance(error, TimeoutError):
                raise DeadlineError(PROVIDER, f"not loaded in {START_DEADLINE_S:g} s") from None
            raise
        tags = sorted({_bcp47(tag) for v in self._inventory.voices for _, tag in v.languages})
        self.capabilities = TtsCapabilities(languages=tuple(tags), word_positions=True)

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """Speak `text`; see `TtsProvider`. The words of a chunk are those that begin in it.

        Raises (from the iterator):
            UnsupportedError: the text is too long, or there is no such language
                (`UnsupportedLanguageError`), voice or speed.
            CapacityError, DeadlineError: too many texts at once.
            UnavailableError: the engine was not started, or is closed.
        """
        self._running()
        if len(text) > MAX_TEXT_CHARACTERS:
            raise UnsupportedError(
                PROVIDER,
                f"a text of {len(text)} characters is too long",
                hint=f"speak it in pieces of at most {MAX_TEXT_CHARACTERS}, such as sentences",
            )
        voice = self._voice(options)
        self._honoured.note(options)
        words_per_minute = _words_per_minute(options.speed)
        parts = segments_of(text)
        begin = 0
        spoken_samples = 0
        for index, part in enumerate(parts):
            utterance = Utterance(
                part,
                voice=voice,
                words_per_minute=words_per_minute,
                end_pause=index < len(parts) - 1,
            )
            segment = Segment(part, begin, spoken_samples)
            self._open.add(utterance)
            try:
                self._running().submit(utterance)
                async with aclosing(utterance.pieces()) as pieces:
                    async for audio, events in pieces:
                        chunk = segment.shape(audio, events)
                        if chunk is not None:
                            yield chunk
            finally:
                self._open.discard(utterance)
            begin += len(part)
            spoken_samples = segment.samples

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices on offer, perhaps for one language (and its regions) only."""
        self._running()
        wanted = None if language is None else language.lower()
        return [
            Voice(v.identifier, v.name, _bcp47(v.languages[0][1]), v.gender)
            for v in self._inventory.voices
            if v.languages and (wanted is None or any(_within(t, wanted) for _, t in v.languages))
        ]

    async def aclose(self) -> None:
        """Fail what is being spoken, and unload the library with its last user. Idempotent."""
        if self._engine is None:
            return
        self._engine = None
        for utterance in self._open:
            utterance.cancelled = True
            utterance.put(UnavailableError(PROVIDER, "closed while speaking", retryable=False))
        stopped = asyncio.wrap_future(release())
        # What is left in the thread after this is at most one callback long, and harmless.
        await asyncio.wait([stopped], timeout=START_DEADLINE_S)

    def _running(self) -> Engine:
        if self._engine is None:
            raise UnavailableError(
                PROVIDER, "not started", hint="await start() first", retryable=False
            )
        return self._engine

    def _voice(self, options: TtsOptions) -> str:
        """What the library calls the voice that `options` ask for."""
        if options.voice is None:
            return self._find(options.language, "language").identifier
        base, plus, variant = options.voice.partition("+")
        if plus and variant not in self._inventory.variants:
            known = ", ".join(self._inventory.variants[:12])
            raise UnsupportedError(
                PROVIDER, f"unknown voice variant {variant!r}", hint=f"some that exist: {known}"
            )
        return self._find(base, "voice").identifier + plus + variant

    def _find(self, wanted: str, kind: str) -> EspeakVoice:
        """The voice with this identifier, else the best one for the language tag.

        A tag that is not there is shortened from its end (RFC 4647, section 3.4, "lookup").
        """
        voices = self._inventory.voices
        for voice in voices:
            if voice.identifier == wanted:
                return voice
        tag = wanted.lower()
        while tag:
            fits = [(p, n) for n, v in enumerate(voices) for p, t in v.languages if t == tag]
            if fits:
                return voices[min(fits)[1]]
            tag = tag.rpartition("-")[0]
        error = UnsupportedLanguageError if kind == "language" else UnsupportedError
        known = ", ".join(COMMON_LANGUAGES)
        raise error(PROVIDER, f"unknown {kind} {wanted!r}", hint=f"some that exist: {known}")


def _words_per_minute(speed: float) -> int:
    low, high = WORDS_PER_MINUTE
    rate = speed * NORMAL_WORDS_PER_MINUTE
    if not math.isfinite(rate) or not low <= round(rate) <= high:
        raise UnsupportedError(
            PROVIDER,
            f"a speed of {speed:g} is out of range",
            hint=f"choose {low / NORMAL_WORDS_PER_MINUTE:.2f} to "
            f"{high / NORMAL_WORDS_PER_MINUTE:.2f}",
        )
    return round(rate)


def _within(tag: str, wanted: str) -> bool:
    return tag == wanted or tag.startswith(wanted + "-")


def _bcp47(tag: str) -> str:
    """`tag` in the usual case (RFC 5646, section 2.1.1): `en-us` → `en-US`."""
    first, *rest = tag.lower().split("-")
    private = False
    parts = [first]
    for part in rest:
        if len(part) == 1:
            private = True
        elif not private and len(part) == 2:
            part = part.upper()
        elif not private and len(part) == 4:
            part = part.title()
        parts.append(part)
    return "-".join(parts)
