"""Texts of any length, spoken: piece by piece, or whole in a file of any kind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from media.audio import AudioFormat, Encoding, bytes_to_pcm

from ..audio import Target, encode_samples
from ..audio.rate import check_rate
from ..errors import (
    AudioTooLargeError,
    CutOffError,
    ProviderError,
    UnsupportedError,
    UnsupportedFormatError,
)
from ..fallback import Fallback
from ..options import TtsOptions
from ..results import SynthesisResult
from ..tts.fallback import FallbackTts
from ..tts.parts import cut, sentences
from ..types import SynthesisChunk, TtsProvider

__all__ = ["PCM16_24K", "speak", "speak_whole"]

log = structlog.get_logger(__name__)

PCM16_24K = AudioFormat(Encoding.PCM16, 24_000)
"""What most voices are made in."""
PART_BYTES = 2_000
"""A text is spoken in parts: what a vendor takes at a time differs, and is seldom less."""
SENTENCE_BYTES = 20
"""Shorter sentences are spoken together, where each may be another provider's."""
MAX_WHOLE_MS = 3_600_000.0
"""Audio that is given whole is held in memory."""


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    begin: int  # where it is in the whole text


class _Names:
    """A `Follower` that remembers who spoke."""

    def __init__(self) -> None:
        self.used: dict[str, None] = {}

    def uses(self, name: str) -> None:
        self.used[name] = None

    def failed(self, name: str, error: ProviderError) -> None:
        """The face has said it."""


async def speak(
    tts: Fallback[TtsProvider],
    text: str,
    options: TtsOptions,
    audio: AudioFormat,
    hedge_ms: float | None = None,
) -> AsyncGenerator[SynthesisChunk, None]:
    """Speak a text as it becomes audio; word positions and times are those in the whole text.

    Args:
        tts: the synthesizers; when one fails the next one goes on, at the next sentence if some
            was given of this one.
        text: of any length.
        options: how to speak.
        audio: the format that is wanted, mono.
        hedge_ms: after how long without audio another synthesizer is asked too; None is never.

    Raises (from the iterator):
        UnsupportedFormatError, UnsupportedRateError: nobody speaks in that format.
        CutOffError: a provider failed after some was given, and there is no sentence after it.
        ProviderError: nobody can speak it.
    """
    _check_format(audio)
    face = FallbackTts(tts, audio=audio, hedge_ms=hedge_ms, follower=_Names())
    await _start(tts)
    several = len(tts.candidates) > 1
    parts = list(_parts(text, options, sentence_by_sentence=several))
    spoken = 0
    for part in parts:
        begun_ms = audio.duration_ms(spoken)
        try:
            async with aclosing(face.synthesize(part.text, options)) as chunks:
                async for chunk in chunks:
                    spoken += len(chunk.audio)
                    yield _placed(chunk, part.begin, begun_ms)
        except CutOffError as error:
            if part is parts[-1]:
                raise
            log.warning("a sentence was cut off, the next one is another's", error=str(error))


async def speak_whole(
    tts: Fallback[TtsProvider],
    text: str,
    options: TtsOptions,
    target: Target,
    hedge_ms: float | None = None,
    progress: Callable[[float, float | None], None] = lambda done, whole: None,
) -> SynthesisResult:
    """Speak a text into a file's bytes.

    A part that a provider does not speak to its end is spoken by the next one from its start:
    nobody has heard it. `progress` is told how many characters are spoken, and how many there are.

    Raises:
        UnsupportedFormatError: more than one channel is wanted.
        AudioTooLargeError: it lasts for an hour.
        ConversionError: it cannot be encoded.
        ProviderError: nobody can speak it.
    """
    _check_format(target.format)
    names = _Names()
    linear = replace(target.format, encoding=Encoding.PCM16)
    face = FallbackTts(tts, audio=linear, hedge_ms=hedge_ms, follower=names)
    await _start(tts)
    audio = bytearray()
    for part in _parts(text, options):
        audio += await _spoken(face, part.text, options, len(tts.candidates))
        progress(part.begin + len(part.text), len(text))
        if linear.duration_ms(len(audio)) > MAX_WHOLE_MS:
            raise AudioTooLargeError(
                "audio", "the text takes more than an hour", hint="speak it as a stream"
            )
    samples = bytes_to_pcm(bytes(audio))
    return SynthesisResult(
        audio=await encode_samples(samples, target),
        format=target.format,
        duration_ms=linear.duration_ms(len(audio)),
        provider=",".join(names.used),
        container=target.container,
    )


async def _start(tts: Fallback[TtsProvider]) -> None:
    """Load the preferred one, which may take longer than a word may be waited for."""
    try:
        await tts.ranked()[0].provider.start()
    except ProviderError as error:
        log.warning("synthesizer did not start", error=str(error))  # the next one will be asked


async def _spoken(face: FallbackTts, text: str, options: TtsOptions, attempts: int) -> bytes:
    """A part's audio, all of it one provider's.

    Raises:
        ProviderError: nobody speaks it to its end.
    """
    while True:
        try:
            async with aclosing(face.synthesize(text, options)) as chunks:
                return b"".join([chunk.audio async for chunk in chunks])
        except CutOffError:
            attempts -= 1
            if not attempts:
                raise


def _parts(
    text: str, options: TtsOptions, *, sentence_by_sentence: bool = False
) -> Iterator[_Part]:
    """Raises:
    UnsupportedError: there is nothing to say, or what is no text.
    """
    _check(text)
    if options.ssml:
        yield _Part(text, 0)  # markup that is cut is none
        return
    begin = 0
    for sentence in sentences(text, SENTENCE_BYTES) if sentence_by_sentence else [text]:
        for part in cut(sentence, PART_BYTES):
            begin = text.index(part, begin)
            yield _Part(part, begin)
            begin += len(part)


def _check_format(audio: AudioFormat) -> None:
    if audio.channels != 1:
        raise UnsupportedFormatError(
            "providers", "a voice has one channel", hint="let the format have one"
        )
    check_rate(audio.sample_rate_hz, "what is wanted")


def _check(text: str) -> None:
    if not text.strip():
        raise UnsupportedError(
            "providers", "an empty text cannot be spoken", hint="give it a word at least"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnsupportedError(
            "providers",
            "the text holds what is no character",
            hint="it was not decoded as what it is: see errors='surrogateescape'",
        ) from None


def _placed(chunk: SynthesisChunk, begin: int, begun_ms: float) -> SynthesisChunk:
    """A part's chunk, with its positions and times in the whole."""
    words = tuple(
        replace(word, start=word.start + begin, end=word.end + begin, at_ms=word.at_ms + begun_ms)
        for word in chunk.words
    )
    return replace(chunk, words=words)
