"""PocketSphinx: speech-to-text on this machine, with no account and no network.

Its models are small and of 2014: it understands what a dialog expects (`SttOptions.phrases`) well,
free speech over the telephone badly (about a third of the words are wrong). Its binding holds the
interpreter while it decodes, so it lives in worker processes, one for each call at a time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec

from ..errors import (
    DeadlineError,
    MissingKeyError,
    UnavailableError,
    UnsupportedLanguageError,
)
from ..honoured import Honoured
from ..types import SttCapabilities, SttOptions
from .local_pool import WorkerPool, cores
from .local_process import WorkerProcess, WorkerProgram
from .local_stream import LocalStream, check_audio, transcript
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
            processes = max(2, 2 * cores())
        if processes < 1:
            raise ValueError(f"processes is {processes}; it must be at least 1")
        self.capacity: int | None = processes
        self._pool = WorkerPool(PROGRAM, processes, full=FULL)
        self._honoured = Honoured(PROVIDER, self.capabilities)
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
        self._honoured.note(options)
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


class PocketSphinxStream(LocalStream):
    """An `SttStream` on one worker process."""

    def __init__(self, worker: WorkerProcess, options: SttOptions) -> None:
        super().__init__(PROVIDER)
        self._worker = worker
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._lag = 0  # bytes sent and not yet decoded
        self._spoken = False  # audio was sent after the last `finalize()`
        self._due_s = 0.0  # by when the worker must have said something, if it owes one
        worker.open(self, {"phrases": options.phrases, "interims": options.interim_results})

    def send(self, audio: bytes) -> None:
        """Hand over PCM16 at 16 kHz. Never blocks.

        Raises:
            ProviderError: the stream has failed or is over, or fails since 30 s of audio wait to be
                decoded.
            ValueError: the audio ends in the middle of a sample.
        """
        self._check_open()
        if len(audio) % 2:
            raise ValueError(f"{len(audio)} bytes of PCM16 audio end in the middle of a sample")
        if self._lag + len(audio) > MAX_LAG_S * _BYTES_PER_S:
            late = DeadlineError(
                PROVIDER,
                f"the recognizer lags {MAX_LAG_S:g} s behind",
                hint="this machine is overloaded: set PARLEY_POCKETSPHINX_PROCESSES lower",
            )
            self.failed(late)  # who sends does not get these words in again
            raise late
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

    def abandon(self) -> None:
        """End at once and give the process back."""
        super().abandon()
        self._worker.release()

    # What the worker process says.

    def taken(self, byte_count: int) -> None:
        self._lag -= byte_count
        self._due_s = self._loop.time() + ANSWER_DEADLINE_S

    def understood(self, result: Result) -> None:
        self._due_s = self._loop.time() + ANSWER_DEADLINE_S
        self._give(transcript(replace(result, language=LANGUAGE)))

    def _finalize(self) -> None:
        if not self.owed:
            self._due_s = self._loop.time() + ANSWER_DEADLINE_S
        self.owed += 1
        self._spoken = False
        self._worker.say(Command.FINALIZE)
        self._changed.set()

    async def _wait(self) -> None:
        """Until something changes, or the worker's answer is overdue."""
        try:
            async with asyncio.timeout_at(self._due_s if self.owed else None):
                await super()._wait()
        except TimeoutError:
            if self.owed and self._loop.time() >= self._due_s:
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
    check_audio(PROVIDER, options)
