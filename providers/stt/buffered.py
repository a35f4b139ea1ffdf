"""Recognizers of whole recordings, used as streams: for vendors and servers that know no streams.

While an utterance lasts, its audio goes to the recognizer piece by piece, one after the other, each
with a little of the one before. Who takes longer than people speak gets longer pieces.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from media.audio import PCM16_8K, PCM16_16K, AudioFormat, Encoding, bytes_to_pcm, pcm_to_bytes
from media.files import wav_header

from ..errors import (
    DeadlineError,
    ProviderError,
    UnavailableError,
    UnsupportedFormatError,
)
from ..offered import check_understood
from ..results import AudioData
from ..types import FileRecognizer, SttCapabilities, SttOptions, Transcript
from .buffer import Buffer, Cut
from .local_stream import LocalStream, working
from .overlap import Merged

__all__ = ["BUFFER_MS", "OVERLAP_MS", "BufferedStream", "BufferedStt"]

BUFFER_MS, OVERLAP_MS = 1000, 200
MAX_LAG_MS = 60_000.0
DEADLINE_S = 20.0
"""For one piece: somebody waits for its words."""


class BufferedStt:
    """The `SttProvider` that a recognizer of whole recordings makes.

    Args:
        door: the recognizer, which is others' too: its owner closes it.
        buffer_ms: how much new audio it gets at a time, at least, while somebody speaks.
        overlap_ms: how much of what it had before it gets again.
    """

    capacity: int | None = None

    def __init__(
        self, door: FileRecognizer, buffer_ms: float = BUFFER_MS, overlap_ms: float = OVERLAP_MS
    ) -> None:
        self.name = f"{door.name}-files"
        self._door = door
        self._buffer_ms, self._overlap_ms = buffer_ms, overlap_ms
        self._streams: set[BufferedStream] = set()
        self.capabilities = _capabilities(door)

    async def start(self) -> None:
        """There is nothing to load: a door opens by itself."""

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[BufferedStream]:
        """Open a stream.

        Raises (on entering):
            UnsupportedError: the language or the audio format is another.
        """
        check_understood(self.name, self.capabilities, [options.language])
        if options.audio not in self.capabilities.audio:
            raise UnsupportedFormatError(
                self.name, "audio in that format", hint="decode it to 16-bit PCM, one channel"
            )
        stream = BufferedStream(self.name, self._door, options, self._buffer_ms, self._overlap_ms)
        async with working(stream, self._streams):
            yield stream

    async def aclose(self) -> None:
        """Streams still open fail with `UnavailableError`."""
        for stream in self._streams:
            stream.failed(UnavailableError(self.name, "the provider was closed"))


@dataclass(slots=True)
class _Utterance:
    """Speech in progress, or waiting to be understood.

    Attributes:
        start_ms: in the stream.
        phrases: what was expected when it began.
        buffer: its audio.
        merged: what was understood so far.
        ended: whether no more of it comes.
        probed: whether it is heard even if it is silent.
        interim: what was told of it.
    """

    start_ms: float
    phrases: tuple[str, ...]
    buffer: Buffer
    merged: Merged = field(default_factory=Merged)
    ended: bool = False
    probed: bool = False
    interim: str = ""

    @property
    def due(self) -> bool:
        """Whether a piece of it can be had."""
        return self.buffer.waiting_ms > 0 if self.ended else self.buffer.ready


class BufferedStream(LocalStream):
    """An `SttStream` on a recognizer of recordings. `run` does its work, and is the owner's to end.

    Args:
        name: of the provider.
        door: understands recordings.
        options: how to recognize.
        buffer_ms, overlap_ms: as of `BufferedStt`.
    """

    def __init__(
        self,
        name: str,
        door: FileRecognizer,
        options: SttOptions,
        buffer_ms: float,
        overlap_ms: float,
    ) -> None:
        super().__init__(name)
        self._door = door
        self._format = options.audio
        self._interims = options.interim_results
        # What a door cannot know of is ours; speakers of different pieces are not the same.
        self._options = replace(
            options,
            interim_results=True,
            endpointing=True,
            endpointing_ms=None,
            diarization=False,
        )
        self._phrases = options.phrases
        self._buffer_ms, self._overlap_ms = buffer_ms, overlap_ms
        self._sent_ms = 0.0
        self._utterances: deque[_Utterance] = deque()
        self._work = asyncio.Event()

    def send(self, audio: bytes) -> None:
        """Hand over PCM16. Never blocks.

        Raises:
            ProviderError: the stream has failed or is over, or fails since a minute of speech waits
                to be understood.
            ValueError: the audio ends in the middle of a sample.
        """
        self._check_open()
        samples = bytes_to_pcm(audio)
        if not audio:
            return
        if sum(one.buffer.waiting_ms for one in self._utterances) > MAX_LAG_MS:
            late = DeadlineError(
                self._provider,
                f"the recognizer lags {MAX_LAG_MS / 1000:g} s behind",
                hint="let buffer_ms be longer, or choose another provider",
            )
            self.failed(late)
            raise late
        utterance = self._latest()
        utterance.buffer.add(samples)
        self._sent_ms += self._format.duration_ms(len(audio))
        if utterance.due:
            self._work.set()

    def finalize(self) -> None:
        """The utterance is over: exactly one final transcript (perhaps empty) follows."""
        self._check_open()
        self.owed += 1
        self._latest().ended = True
        self._work.set()

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, `phrases` are expected; empty for free speech."""
        self._check_open()
        self._phrases = tuple(phrases)

    async def finish(self) -> None:
        """No more audio: the iterator ends when the last final transcript has been given.

        Audio that no `finalize()` followed is finalized, and heard even if it is silent: whoever
        tries the recognizer out sends nothing else.
        """
        if self._finished or self._left:
            return
        if self._error is None and self._utterances and not self._utterances[-1].ended:
            self._utterances[-1].probed = True
            self.finalize()
        self._finished = True
        self._changed.set()

    async def run(self) -> None:
        """Have what is sent understood, in its order, until cancelled or failed."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._utterances and (self._utterances[0].due or self._utterances[0].ended):
                    await self._go_on(self._utterances[0])
        except ProviderError as error:
            self.failed(error)
        except Exception as error:
            failure = ProviderError(self._provider, f"it failed: {type(error).__name__}")
            failure.__cause__ = error
            self.failed(failure)

    async def _go_on(self, utterance: _Utterance) -> None:
        """Have the next piece of an utterance understood, or give what it was."""
        if utterance.due:
            cut = utterance.buffer.cut(even_silent=utterance.probed)
            if cut is not None:
                await self._understand(cut, utterance)
        elif utterance.ended:
            self._utterances.popleft()
            self._give(_transcript(utterance, final=True))

    async def _understand(self, cut: Cut, utterance: _Utterance) -> None:
        audio = _recording(cut, self._format, self._door)
        options = replace(self._options, phrases=utterance.phrases)
        try:
            async with asyncio.timeout(DEADLINE_S):
                result = await self._door.transcribe(audio, options)
        except TimeoutError:
            late = f"a piece was not understood within {DEADLINE_S:g} s"
            raise DeadlineError(self._provider, late) from None
        if cut.again:
            utterance.merged.undo()
        utterance.merged.add(result, cut.start_ms, cut.seam)
        interim = _transcript(utterance, final=False)
        if self._interims and not utterance.ended and interim.text != utterance.interim:
            utterance.interim = interim.text
            self._give(interim)

    def _latest(self) -> _Utterance:
        """The utterance in progress; one begins when there is none."""
        if not self._utterances or self._utterances[-1].ended:
            buffer = Buffer(self._format.sample_rate_hz, self._buffer_ms, self._overlap_ms)
            self._utterances.append(_Utterance(self._sent_ms, self._phrases, buffer))
        return self._utterances[-1]


def _capabilities(door: FileRecognizer) -> SttCapabilities:
    able = door.capabilities
    taken: tuple[AudioFormat, ...] = (PCM16_16K, PCM16_8K)
    if "wav" not in door.containers:
        taken = tuple(one for one in able.audio if one.encoding is Encoding.PCM16)
    return SttCapabilities(
        languages=able.languages,
        audio=taken,
        utterances=True,
        word_times=able.word_times,
        options=(able.options - {"diarization"}) | {"interim_results"},
    )


def _recording(cut: Cut, format: AudioFormat, door: FileRecognizer) -> AudioData:
    """A piece as a file."""
    data = pcm_to_bytes(cut.samples)
    if "wav" not in door.containers:
        return AudioData(data, format)
    header = wav_header(len(data), format.sample_rate_hz, format.channels)
    return AudioData(header + data, format, "wav")


def _transcript(utterance: _Utterance, *, final: bool) -> Transcript:
    merged, start_ms = utterance.merged, utterance.start_ms
    words = tuple(
        replace(
            word,
            start_ms=round(start_ms + word.start_ms),
            end_ms=round(start_ms + word.end_ms),
        )
        for word in merged.words
    )
    return Transcript(
        merged.text,
        final,
        words[0].start_ms if words else round(start_ms),
        words[-1].end_ms if words else round(start_ms + utterance.buffer.duration_ms),
        merged.confidence,
        words,
        merged.language,
    )
