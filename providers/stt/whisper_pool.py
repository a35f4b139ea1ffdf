"""The processes that run Whisper: each decodes one piece at a time, for whoever came first."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from importlib.util import find_spec

import structlog

from media.audio import Samples, pcm_to_bytes

from ..errors import DeadlineError, MissingKeyError, ProviderError, UnavailableError
from ..options import SttOptions
from .local_pool import WorkerPool, cores
from .local_process import WorkerProcess, WorkerProgram
from .local_wire import Command, Result
from .whisper_task import PROVIDER, Task, task

__all__ = ["Decoders"]

log = structlog.get_logger(__name__)

ATTEMPTS = 2
MOST_THREADS = 8  # more make a model hardly quicker
CLOSE_DEADLINE_S = 10.0  # whoever waits for the process must live to see that it is replaced
SLOW = "set WHISPER_MODEL to a smaller model, or WHISPER_DEVICE to cuda"
FULL = f"set WHISPER_PROCESSES higher, or {SLOW.removeprefix('set ')}"


class Decoders:
    """A pool of processes with one model each.

    Args:
        model: the directory of a CTranslate2 model, or the name of one that is in the user's
            Hugging Face cache: `small`, or `Systran/faster-whisper-small`.
        device: `auto`, `cpu` or `cuda`.
        compute_type: https://opennmt.net/CTranslate2/quantization.html; `auto` is the quickest
            that the device has.
        processes: how many; each holds the model once, and they share the cores.

    Attributes:
        languages: Whisper's codes of those that the model knows, when it is loaded.
        took_s: how long the last piece took to decode; 0 before the first.

    Raises:
        MissingKeyError: the package is not installed, or no model is named.
        ValueError: `processes` is less than one.
    """

    def __init__(
        self,
        model: str | None = None,
        device: str = "auto",
        compute_type: str = "auto",
        processes: int = 1,
    ) -> None:
        if find_spec("faster_whisper") is None:
            raise MissingKeyError(
                PROVIDER, "faster-whisper is not installed", hint="pip install 'parley[whisper]'"
            )
        if model is None:
            raise MissingKeyError(
                PROVIDER,
                "WHISPER_MODEL is not set",
                hint="set it to the directory of a CTranslate2 model, or to the name of one that"
                " was downloaded, such as small",
            )
        if processes < 1:
            raise ValueError(f"processes is {processes}; it must be at least 1")
        told = {
            "model": model,
            "device": device,
            "compute_type": compute_type,
            "threads": max(1, min(MOST_THREADS, cores() // processes)),
        }
        program = WorkerProgram(
            PROVIDER, "providers.stt.whisper_worker", (json.dumps(told),), CLOSE_DEADLINE_S
        )
        self._pool = WorkerPool(program, processes, full=FULL)
        self._starting = asyncio.Lock()
        self._started = False
        self.languages: tuple[str, ...] = ()
        self.took_s = 0.0

    @property
    def size(self) -> int:
        """How many pieces are decoded at a time."""
        return self._pool.size

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return self._pool.pids

    @property
    def spare(self) -> bool:
        """Whether a process has nothing to do, and nobody waits for it."""
        return self._pool.spare

    async def start(self) -> None:
        """Start the processes and load the model in each. Idempotent.

        Raises:
            MissingKeyError: the model is not on this machine, or cannot be used.
            UnavailableError: a process failed, or did not load within 60 s.
        """
        async with self._starting:
            if not self._started:
                abilities = await self._pool.start()
                self.languages = tuple(abilities["languages"])
                self._started = True

    async def aclose(self) -> None:
        """End the processes."""
        async with self._starting:
            self._started = False
            await self._pool.aclose()

    def task(self, options: SttOptions, *, recording: bool = False) -> Task:
        """What options ask of the model, once it is loaded. Terms left out are said in the log.

        Raises:
            UnsupportedLanguageError: it does not know one of the languages.
        """
        asked = task(options, self.languages, recording=recording)
        left_out = len(options.key_terms) - len(asked.terms)
        if left_out:
            log.warning("key terms left out", provider=PROVIDER, count=left_out)
        return asked

    async def decode(
        self, samples: Samples, task: Task, *, patience_s: float, deadline_s: float
    ) -> Result:
        """What is said in a piece, whose first sample is at 0 ms.

        A process that dies of it, or of something else, is no reason to give up: another one gets
        the piece.

        Args:
            samples: at 16 kHz, `PIECE_MS` at most.
            task: how to decode them.
            patience_s: how long to wait for a process.
            deadline_s: how long a process may take; one that takes longer is killed.

        Raises:
            CapacityError: no process was free in time.
            DeadlineError: it was not decoded in time.
            UnavailableError: the provider is not started, or its processes died.
        """
        loop = asyncio.get_running_loop()
        attempts = 0
        while True:
            attempts += 1
            worker = await self._pool.lease(patience_s=patience_s)
            began_s = loop.time()
            try:
                result = await _Decoding(worker).result(samples, task, deadline_s)
            except UnavailableError:
                if attempts == ATTEMPTS:
                    raise
            else:
                self.took_s = loop.time() - began_s
                return result
            finally:
                worker.release()


class _Decoding:
    """Who holds a process for one piece (`Lessee`)."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    async def result(self, samples: Samples, task: Task, deadline_s: float) -> Result:
        worker = self._worker
        worker.open(self, asdict(task))
        worker.say(Command.AUDIO, pcm_to_bytes(samples))
        worker.say(Command.FINALIZE)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._result
        except TimeoutError:
            worker.kill()
            late = f"process {worker.pid} took longer than {deadline_s:g} s to decode"
            raise DeadlineError(PROVIDER, late, hint=SLOW) from None

    # What the worker process says.

    def taken(self, byte_count: int) -> None:
        """How far it is; what counts is the result."""

    def understood(self, result: Result) -> None:
        if not self._result.done():
            self._result.set_result(result)

    def failed(self, error: ProviderError) -> None:
        if not self._result.done():
            self._result.set_exception(error)
