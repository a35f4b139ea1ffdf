"""Whole recordings, understood: by a vendor's own door for them, else as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import structlog

from media.audio import AudioFormat, Encoding, Samples, pcm_to_bytes
from media.silence import Piece, Splitter

from ..audio import OpenAudio, Target, encode_samples
from ..conversion import wanted_format
from ..ears import Ears
from ..errors import ProviderError, UnsupportedLanguageError
from ..fallback import Candidate, Fallback
from ..options import SttOptions
from ..results import AudioData, TranscriptionResult
from ..types import FileRecognizer, SttProvider, Transcript
from .joined import Joined
from .listening import listening

__all__ = ["AsStream", "ByDoor", "Progress", "Transcriber", "transcribe_by_one_of"]

log = structlog.get_logger(__name__)

SPEECH_HZ = 16_000
"""Recognizers hear nothing above half of it."""
LONGEST_PIECE_MS = 30 * 60_000
"""More is not held in memory, whatever a vendor takes."""
PIECE_MS = 5 * 60_000
"""Who waits sees that it goes on, and a failure costs no more; speakers need longer pieces."""
WAV_HEADER_BYTES = 44
_OURS = ("audio", "file")
"""Whose errors are nobody's but the recording's."""

Progress = Callable[[float, float | None], None]
"""Is told how much is done, and how much there is, if that is known, in ms."""


@dataclass(frozen=True, slots=True)
class ByDoor:
    """Understands recordings by a door that a vendor has for them.

    Long ones are cut in silences. Each piece is understood alone: with diarization, the speakers of
    one piece need not be called as in another.
    """

    candidate: Candidate[FileRecognizer]

    @property
    def first(self) -> Candidate[FileRecognizer]:
        """Who is asked."""
        return self.candidate

    def understands(self, language: str) -> bool:
        """Whether the language is on offer."""
        return self.candidate.provider.capabilities.understands(language)

    @property
    def well(self) -> bool:
        """Whether it can be relied on, as far as is known, or has rested for long enough."""
        health = self.candidate.health
        return health.well or asyncio.get_running_loop().time() >= health.probe_due_s

    async def transcribe(
        self, audio: OpenAudio, options: SttOptions, progress: Progress
    ) -> TranscriptionResult:
        """Understand all of a file.

        Raises:
            ProviderError: it cannot be read, or the vendor fails.
        """
        door, info = self.candidate.provider, audio.info
        target = _target(door, info.sample_rate_hz)
        rate_hz = target.format.sample_rate_hz
        splitter = Splitter(rate_hz, _longest_ms(door, target.format, options))
        joined, samples = Joined(), 0

        async def understand(split: Callable[[], list[Piece]]) -> None:
            for piece in await asyncio.to_thread(split):
                joined.add(await self._ask(piece.samples, target, options), piece.start_ms)
                progress(piece.start_ms + len(piece.samples) * 1000 / rate_hz, info.duration_ms)

        async for piece in audio.pieces(rate_hz):
            samples += len(piece)
            await understand(lambda piece=piece: list(splitter.feed(piece)))  # type: ignore[misc]
        await understand(lambda: list(splitter.flush()))
        return joined.result(door.name, samples * 1000 / rate_hz)

    async def _ask(
        self, samples: Samples, target: Target, options: SttOptions
    ) -> TranscriptionResult:
        data = await encode_samples(samples, target)
        began_s = asyncio.get_running_loop().time()
        audio = AudioData(data, target.format, target.container)
        try:
            result = await self.candidate.provider.transcribe(audio, options)
        except ProviderError as error:
            self.candidate.failed(error)
            raise
        self.candidate.succeeded(began_s)
        return result


@dataclass(frozen=True, slots=True)
class AsStream:
    """Understands recordings as if they were spoken now, at the pace that a recognizer takes.

    When one fails the next goes on where it was.

    Attributes:
        stt: the recognizers.
        ears: loads what tells where speech is.
    """

    stt: Fallback[SttProvider]
    ears: Callable[[], Awaitable[Ears]]

    @property
    def first(self) -> Candidate[SttProvider]:
        """Who is preferred."""
        return self.stt.candidates[0]

    def understands(self, language: str) -> bool:
        """Whether one of them offers the language."""
        candidates = self.stt.candidates
        return any(one.provider.capabilities.understands(language) for one in candidates)

    @property
    def well(self) -> bool:
        """Whether one of them can be relied on, as far as is known."""
        return any(candidate.health.well for candidate in self.stt.candidates)

    async def transcribe(
        self, audio: OpenAudio, options: SttOptions, progress: Progress
    ) -> TranscriptionResult:
        """Understand all of a file.

        Raises:
            ProviderError: it cannot be read, or all recognizers fail.
        """
        rate_hz = min(SPEECH_HZ, audio.info.sample_rate_hz)
        format = AudioFormat(Encoding.PCM16, rate_hz)
        options = replace(options, audio=format, interim_results=False)
        reader = _Reader(self.stt.name)
        async with listening(self.stt, await self.ears(), options, reader) as speech:
            async for piece in audio.pieces(rate_hz):
                await speech.send(pcm_to_bytes(piece))
                progress(speech.fed_ms, audio.info.duration_ms)
            await speech.finish()
        return reader.joined.result(reader.name, speech.fed_ms)


Transcriber = ByDoor | AsStream


async def transcribe_by_one_of(
    transcribers: Sequence[Transcriber],
    opened: Callable[[], AbstractAsyncContextManager[OpenAudio]],
    options: SttOptions,
    progress: Progress,
) -> TranscriptionResult:
    """Understand a recording by the first that can: those that are well before those that rest.

    Args:
        transcribers: in the order of preference.
        opened: opens the recording, from its beginning each time.
        options: how to recognize; `audio` is not looked at, and `model` is the preferred one's.
        progress: is told how far it got.

    Raises:
        UnsupportedLanguageError: nobody understands the language.
        ProviderError: the recording cannot be read, or nobody can: what the first of them says.
    """
    fit = [one for one in transcribers if one.understands(options.language)]
    errors: list[ProviderError] = []
    for transcriber in sorted(fit, key=lambda one: not one.well):
        try:
            async with opened() as audio:
                own = _own_options(options, transcriber, preferred=transcriber is transcribers[0])
                return await transcriber.transcribe(audio, own, progress)
        except ProviderError as error:
            if error.provider in _OURS:
                raise  # the recording is at fault, whoever hears it
            errors.append(error)
            log.warning("recording was not understood", error=str(error))
    if errors:
        raise errors[0]
    raise UnsupportedLanguageError(
        "providers",
        f"language {options.language!r} is not on offer",
        hint="choose a provider that understands it: parley providers",
    )


class _Reader:
    """Puts together what a stream gives."""

    def __init__(self, name: str) -> None:
        self.joined = Joined()
        self.name = name  # of the last one that was used

    def uses(self, name: str) -> None:
        self.name = name

    def failed(self, name: str, error: ProviderError) -> None:
        """The relay sees to it."""

    def understood(self, transcript: Transcript) -> None:
        if transcript.final:
            self.joined.add(transcript)

    def over(self, error: Exception | None) -> None:
        """Who sends is told as well."""


def _own_options(options: SttOptions, transcriber: Transcriber, *, preferred: bool) -> SttOptions:
    """What of the options is meant for one who transcribes: a model is one vendor's."""
    if preferred or options.model is None:
        return options
    transcriber.first.set_aside(["model"])
    return replace(options, model=None)


def _target(door: FileRecognizer, rate_hz: int) -> Target:
    """What a vendor is sent: WAV, else raw audio as it takes that; nothing that loses quality."""
    linear = AudioFormat(Encoding.PCM16, min(SPEECH_HZ, rate_hz))
    if "wav" in door.containers:
        return Target("wav", linear)
    return Target("raw", wanted_format(door.capabilities.audio, linear))


def _longest_ms(door: FileRecognizer, format: AudioFormat, options: SttOptions) -> int:
    by_size_ms = format.duration_ms(door.max_bytes - WAV_HEADER_BYTES)
    ours_ms = LONGEST_PIECE_MS if options.diarization else PIECE_MS
    return int(min(by_size_ms, door.max_ms or ours_ms, ours_ms))
