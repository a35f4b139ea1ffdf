"""PocketSphinx: speech-to-text on this machine, with no account and no network.

Its models are small and of 2014: it understands what a dialog expects (`SttOptions.phrases`) well,
free speech over the telephone badly (about a third of the words are wrong). Its binding holds the
interpreter while it decodes, so it lives in worker processes, one for each call at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec

from ..errors import (
    DeadlineError,
    MissingKeyError,
    ProviderError,
    UnavailableError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from ..types import PCM16_16K, SttCapabilities, SttEvent, SttOptions, Transcript, Word
from .local_pool import WorkerPool
from .local_process import WorkerProcess, WorkerProgram
from .local_wire import Command, Result

__all__ = ["PocketSphinx", "PocketSphinxStream"]

PROVIDER = "pocketsphinx"
PROGRAM = WorkerProgram(PROVIDER, "providers.stt.sphinx_worker")
FULL = (
    "set PARLEY_POCKETSPHINX_PROCESSES to the number of calls at a time"
    " (each process takes about 120 MB)"
)
LANGUAGE = "en-US"
MAX_LAG_S = 30.0
ANSWER_DEADLINE_S = 20.0
MAX_WAITING_EVENTS = 1_000
_BYTES_PER_S = 32_000


class PocketSphinx:
    """The `SttProvider` for PocketSphinx and its US English model, from the extra ``pocketsphinx``.

    Args:
        processes: how many calls at a time; by default two for each core, since callers speak
            less than half the time. Each process takes about 120 MB.

    Raises:
        MissingKeyError: the package is not installed.
        ValueError: `processes` is less than one.
    """

    name = PROVIDER
    capabilities = SttCapabilities(
        languages=(LANGUAGE,),
        utterances=True,
        word_times=True,
        options=frozenset({"interim_results", "phrases"}),
    )

    def __init__(self, processes: int | None = None) -> None:
        if find_spec("pocketsphinx") is None:
            raise MissingKeyError(
                PROVIDER, "PocketSphinx is not installed", hint="pip install 'parley[pocketsphinx]'"
            )
        if processes is None:
            processes = max(2, 2 * (os.cpu_count() or 1))
        if processes < 1:
            raise ValueError(f"processes is {processes}; it must be at least 1")
        self.capacity: int | None = processes
        self._pool = WorkerPool(PROGRAM, processes, full=FULL)
        self._streams: set[PocketSphinxStream] = set()
        self._starting = asyncio.Lock()
        self._started = False

    @property
    def pids(self) -> list[int]:
        """The worker processes that run now."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the processes and load their models (half a second each). Idempotent.

        Raises:
            UnavailableError: a process failed, or did not load within 60 s.
        """
        async with self._starting:
            if not self._started:
                await self._pool.start()
                self._started = True

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[PocketSphinxStream]:
        """Open a stream, which holds one process until the context is left.

        Raises (on entering):
            UnsupportedError: the language or the audio format is another.
            CapacityError: every process is taken.
            UnavailableError: the provider is not started.
        """
        _check(options)
        worker = await self._pool.lease()
        stream = PocketSphinxStream(worker, options)
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            stream.abandon()

    async def aclose(self) -> None:
        """End the processes. Streams still open fail with `UnavailableError`."""
        async with self._starting:
            self._started = False
            for stream in self._streams:
                stream.failed(UnavailableError(PROVIDER, "the provider was closed"))
            await self._pool.aclose()


class PocketSphinxStream:
    """An `SttStream` on one worker process."""

    def __init__(self, worker: WorkerProcess, options: SttOptions) -> None:
        self._worker = worker
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._events: deque[Transcript] = deque()
        self._changed = asyncio.Event()
        self._error: ProviderError | None = None
        self._left = False
        self._finished = False
        self._lag = 0  # bytes sent and not yet decoded
        self._spoken = False  # audio was sent after the last `finalize()`
        self._owed = 0  # final transcripts to come
        self._due_s = 0.0  # by when the worker must have said something, if it owes one
        worker.open(self, {"phrases": options.phrases, "interims": options.interim_results})

    def send(self, audio: bytes) -> None:
        """Hand over PCM16 at 16 kHz. Never blocks.

        Raises:
            ProviderError: the stream has failed or is over, or 30 s of audio wait to be decoded.
            ValueError: the audio ends in the middle of a sample.
        """
        self._check_open()
        if len(audio) % 2:
            raise ValueError(f"{len(audio)} bytes of PCM16 audio end in the middle of a sample")
        if self._lag + len(audio) > MAX_LAG_S * _BYTES_PER_S:
            raise ProviderError(
                PROVIDER,
                f"the recognizer lags {MAX_LAG_S:g} s behind",
                hint="this machine is overloaded: set PARLEY_POCKETSPHINX_PROCESSES lower",
                retryable=True,
            )
        if audio:
            self._lag += len(audio)
            self._spoken = True
            self._worker.say(Command.AUDIO, audio)

    def finalize(self) -> None:
        """The utterance is over: exactly one final transcript (perhaps empty) follows."""
        self._check_open()
        self._finalize()

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, `phrases` are expected; empty for free speech.

        Case, punctuation and accents do not matter, numbers are spelled out, and a word that is
        not in the dictionary is pronounced as its letters suggest. A final transcript's text is
        then the phrase as it is written here.
        """
        self._check_open()
        self._worker.say(Command.EXPECT, json.dumps(list(phrases)).encode())

    async def finish(self) -> None:
        """No more audio: the iterator ends when the last final transcript has been given.

        Audio that no `finalize()` followed is finalized.
        """
        if self._finished or self._left:
            return
        if self._spoken and self._error is None:
            self._finalize()
        self._finished = True
        self._changed.set()

    def __aiter__(self) -> AsyncIterator[SttEvent]:
        return self

    async def __anext__(self) -> SttEvent:
        while True:
            if self._events and not self._left:
                return self._events.popleft()
            if self._error is not None and not self._left:
                raise self._error
            if self._left or (self._finished and not self._owed):
                raise StopAsyncIteration
            await self._wait()

    def abandon(self) -> None:
        """End at once and give the process back."""
        self._left = True
        self._changed.set()
        self._worker.release()

    # What the worker process says.

    def taken(self, byte_count: int) -> None:
        self._lag -= byte_count
        self._due_s = self._loop.time() + ANSWER_DEADLINE_S

    def understood(self, result: Result) -> None:
        if self._events and not self._events[-1].final:
            self._events.pop()  # nobody read it, and it is outdated
        self._events.append(_transcript(result))
        self._owed -= result.final
        self._due_s = self._loop.time() + ANSWER_DEADLINE_S
        if len(self._events) > MAX_WAITING_EVENTS:
            self.failed(ProviderError(PROVIDER, "nobody reads the transcripts"))
        self._changed.set()

    def failed(self, error: ProviderError) -> None:
        if self._error is None:
            self._error = error
        self._changed.set()

    def _finalize(self) -> None:
        if not self._owed:
            self._due_s = self._loop.time() + ANSWER_DEADLINE_S
        self._owed += 1
        self._spoken = False
        self._worker.say(Command.FINALIZE)
        self._changed.set()

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._left or self._finished:
            raise UnavailableError(PROVIDER, "the stream is over", retryable=False)

    async def _wait(self) -> None:
        """Until something changes, or the worker's answer is overdue."""
        self._changed.clear()
        try:
            async with asyncio.timeout_at(self._due_s if self._owed else None):
                await self._changed.wait()
        except TimeoutError:
            if self._owed and self._loop.time() >= self._due_s:
                self.failed(
                    DeadlineError(PROVIDER, f"no answer from process {self._worker.pid} in time")
                )
                self._worker.kill()


def _check(options: SttOptions) -> None:
    if options.language.replace("_", "-").lower() not in ("en-us", "en"):
        raise UnsupportedLanguageError(
            PROVIDER,
            f"language {options.language!r} is not on offer",
            hint=f"its model understands {LANGUAGE} alone: choose it, or another recognizer",
        )
    if options.audio != PCM16_16K:
        audio = options.audio
        raise UnsupportedFormatError(
            PROVIDER,
            f"audio as {audio.encoding} at {audio.sample_rate_hz} Hz, {audio.channels} channel(s)",
            hint="decode it to 16-bit PCM and resample it to 16000 Hz, one channel",
        )


def _transcript(result: Result) -> Transcript:
    return Transcript(
        text=result.text,
        final=result.final,
        start_ms=result.start_ms,
        end_ms=result.end_ms,
        confidence=result.confidence,
        words=tuple(Word(*word) for word in result.words),
        language=LANGUAGE,
        rejected=result.rejected,
    )
