"""What is said to a speech provider and what comes back: formats, options, events, faces.

A provider of speech-to-text (STT) gives *streams*; a provider of text-to-speech (TTS) speaks one
text at a time, as an iterator of audio. Both are loaded with `start()` before the first call and
released with `aclose()`.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from media.audio import PCM16_16K, AudioFormat, Encoding

from .options import AUTO, SttOptions, TtsOptions
from .results import AudioData, Container, TranscriptionResult, Voice, Word

__all__ = [
    "AUTO",
    "PCM16_16K",
    "AudioFormat",
    "Boundary",
    "Delivery",
    "Encoding",
    "EndOfTurn",
    "FileRecognizer",
    "SttCapabilities",
    "SttEvent",
    "SttOptions",
    "SttProvider",
    "SttStream",
    "SynthesisChunk",
    "Transcript",
    "TtsCapabilities",
    "TtsOptions",
    "TtsProvider",
    "Voice",
    "Word",
    "WordPosition",
]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood so far of one utterance.

    An interim transcript (`final` false) replaces the interim before it; a final one stays. A final
    one with empty text means that there was no speech, or none that could be understood.

    `rejected` is set when phrases were expected (`SttOptions.phrases`) and none of them was said:
    `text` is then the free transcript.
    """

    text: str
    final: bool
    start_ms: int = 0
    end_ms: int = 0
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    language: str | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """The provider itself decided that the caller's turn is over, `at_ms` into the stream.

    The final transcript right before it is the turn's own, and answers no `finalize()`.
    """

    at_ms: int = 0


SttEvent = Transcript | EndOfTurn

Boundary = Literal["word", "item", "commit"]
"""What a vendor's protocol tells of the audio that is dealt with when a stream of it is lost.

`word`: every final word has its times, so it is known to the word. `item`: final transcripts have
times, but of the stretch of speech as the vendor cut it. `commit`: only what a `finalize()` that
was answered had asked for is known to be; all since then is to be heard again.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a recognizer wants the audio of a stream.

    Attributes:
        shortest_ms, longest_ms: of a message.
        ahead_ms: by how much the audio that a connection was given may be ahead of the time that
            has passed since it takes any: one that wants it as it is spoken closes otherwise.
    """

    shortest_ms: float = 0.0
    longest_ms: float = 1_000.0
    ahead_ms: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class SttCapabilities:
    """What a recognizer can do.

    `utterances` is set by recognizers that want speech alone: the caller of the stream finds where
    speech starts and ends (VAD), sends only that, and calls `finalize()` after each utterance. The
    others take all audio as it comes, silence included.

    Attributes:
        audio: the formats it takes, the best for a telephone's audio first.
        delivery: how it wants that audio.
        boundary: behind what another recognizer can take over without a word lost or doubled.
        options: the names of the fields of `SttOptions` that it honours, of `STT_OPTIONS`; what
            else is asked for is said once in the log.
    """

    languages: tuple[str, ...] = ("en-US",)
    audio: tuple[AudioFormat, ...] = (PCM16_16K,)
    utterances: bool = False
    end_of_turn: bool = False
    word_times: bool = False
    boundary: Boundary = "commit"
    delivery: Delivery = Delivery()
    options: frozenset[str] = frozenset({"interim_results"})

    def understands(self, language: str) -> bool:
        """Whether a language (BCP-47) is on offer: `en` is any English, asked for or offered.

        `auto`, to find out which one is spoken, is on offer when it is among the languages.
        """
        return _is_offered(language, self.languages)


class SttStream(Protocol):
    """One recognition in progress.

    Iterating it yields `SttEvent` and ends only after `finish()`; a failure raises
    `ProviderError` from the iterator.
    """

    def send(self, audio: bytes) -> None:
        """Hand over audio in `SttOptions.audio`. Never blocks.

        Raises:
            ProviderError: the stream has failed, or the provider lags so far behind that its bound
                of unsent audio is reached.
        """

    def finalize(self) -> None:
        """The utterance is over: exactly one final transcript (perhaps empty) follows."""

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, `phrases` are expected; empty for free speech."""

    def __aiter__(self) -> AsyncIterator[SttEvent]: ...

    async def finish(self) -> None:
        """No more audio: the iterator ends when the last final transcript has been given."""


class SttProvider(Protocol):
    """A recognizer, as the catalogue builds it."""

    @property
    def name(self) -> str:
        """The catalogue's."""

    @property
    def capabilities(self) -> SttCapabilities:
        """What it can do."""

    @property
    def capacity(self) -> int | None:
        """How many streams may be open at a time on this machine; None is any number."""

    async def start(self) -> None:
        """Load models, start processes, warm connections. Idempotent."""

    def stream(self, options: SttOptions) -> AbstractAsyncContextManager[SttStream]:
        """Open a stream. Leaving the context ends it at once and frees what it held.

        Raises (on entering):
            ProviderError: such as `CapacityError`, `UnsupportedError`, `AuthenticationError`.
        """

    async def aclose(self) -> None:
        """Release everything. Streams still open fail with `UnavailableError`."""


class FileRecognizer(Protocol):
    """A recognizer of whole recordings, as the catalogue builds it."""

    @property
    def name(self) -> str:
        """The catalogue's."""

    @property
    def capabilities(self) -> SttCapabilities:
        """What it can do; `audio` is what it takes raw."""

    @property
    def containers(self) -> tuple[Container, ...]:
        """What else it takes, as it is."""

    @property
    def max_bytes(self) -> int:
        """Of one recording."""

    @property
    def max_ms(self) -> float | None:
        """Of one recording; None is any length."""

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """Understand a whole recording; `options.audio` is not looked at.

        Raises:
            ProviderError: such as `UnsupportedLanguageError`, `UnsupportedFormatError`,
                `AudioTooLargeError`.
        """

    async def aclose(self) -> None:
        """Release everything."""


@dataclass(frozen=True, slots=True)
class WordPosition:
    """Where a word of the text is in the audio: characters `[start, end)` begin at `at_ms`."""

    start: int
    end: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class SynthesisChunk:
    """A piece of synthesized audio, in `TtsProvider.format`.

    `words` are the positions that came with this piece (each position comes once, in order), with
    times from the start of the whole text.
    """

    audio: bytes
    words: tuple[WordPosition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsCapabilities:
    """What a synthesizer can do.

    Attributes:
        options: the names of the fields of `TtsOptions` that it honours, of `TTS_OPTIONS`; what
            else is asked for is said once in the log.
        notice: what one should know before choosing it, said once in the log; empty for nothing.
    """

    languages: tuple[str, ...] = ("en-US",)
    word_positions: bool = False
    options: frozenset[str] = frozenset({"speed"})
    notice: str = ""

    def speaks(self, language: str) -> bool:
        """Whether a language is on offer, as `SttCapabilities.understands`."""
        return _is_offered(language, self.languages)


class TtsProvider(Protocol):
    """A synthesizer, as the catalogue builds it."""

    @property
    def name(self) -> str:
        """The catalogue's."""

    @property
    def capabilities(self) -> TtsCapabilities:
        """What it can do."""

    @property
    def format(self) -> AudioFormat:
        """What its audio is like."""

    @property
    def reached(self) -> bool:
        """Whether it is within reach, as far as is known; `start` may have found that it is not."""

    async def start(self) -> None:
        """Load the engine or warm connections. Idempotent."""

    def synthesize(self, text: str, options: TtsOptions) -> AsyncGenerator[SynthesisChunk, None]:
        """Speak `text`. Closing the iterator early stops the synthesis.

        Raises (from the iterator):
            ProviderError: such as `UnsupportedError` for an unknown voice or language.
        """

    async def voices(self, language: str | None = None) -> list[Voice]:
        """The voices on offer, perhaps for one language only."""

    async def aclose(self) -> None:
        """Release everything."""


def _is_offered(language: str, languages: Iterable[str]) -> bool:
    wanted, offered = language.lower(), [tag.lower() for tag in languages]
    if wanted == AUTO:
        return AUTO in offered
    general = wanted.partition("-")[0]
    return general in offered or wanted in {*offered, *(t.partition("-")[0] for t in offered)}
