"""A bounded pool of PocketSphinx worker processes: started, leased, given back, replaced, ended."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Protocol, cast

from ..errors import CapacityError, DeadlineError, ProviderError, UnavailableError
from .sphinx_wire import Command, FrameReader, Report, Result, frame

__all__ = ["PROVIDER", "Lessee", "WorkerPool", "WorkerProcess", "replacement_delay_s"]

PROVIDER = "pocketsphinx"
LOAD_DEADLINE_S = 60.0
LEASE_DEADLINE_S = 5.0  # for a process that is tidying up after the call before, or loading
CLOSE_DEADLINE_S = 5.0
KILL_DEADLINE_S = 5.0
_DEATHS_WINDOW_S = 60.0
_DEATHS_FREE = 2
_LONGEST_DELAY_S = 30.0
_MODULE = "providers.stt.sphinx_worker"
_ROOT = Path(__file__).resolve().parents[2]
_TAKEN = struct.Struct("!I")


def replacement_delay_s(deaths: Sequence[float], now: float) -> float:
    """How long to wait before a dead process is replaced, given when processes died (seconds).

    Two in a minute are replaced at once; from then on the wait doubles, from 1 s to 30 s: a
    machine that cannot run them must not be kept busy with starting them.
    """
    recent = sum(now - death < _DEATHS_WINDOW_S for death in deaths)
    if recent <= _DEATHS_FREE:
        return 0.0
    return float(min(_LONGEST_DELAY_S, 2.0 ** (recent - _DEATHS_FREE - 1)))


class Lessee(Protocol):
    """Who holds a process: told of what it says."""

    def taken(self, byte_count: int) -> None: ...

    def understood(self, result: Result) -> None: ...

    def failed(self, error: ProviderError) -> None: ...


class _State(Enum):
    LOADING = auto()
    IDLE = auto()
    LEASED = auto()
    CLOSING = auto()  # given back, not yet ready for the next call
    DEAD = auto()


class WorkerProcess(asyncio.SubprocessProtocol):
    """One process. Its pipes are served by callbacks: no task, no queue."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._lessee: Lessee | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._reason = ""
        self.state = _State.LOADING
        self.ready = self._loop.create_future()
        self.ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid() if self._transport else None

    def open(self, lessee: Lessee, phrases: Sequence[str], *, interims: bool) -> None:
        """A call begins on this process, leased before."""
        self._lessee = lessee
        wanted = {"phrases": list(phrases), "interims": interims}
        self.say(Command.OPEN, json.dumps(wanted).encode())

    def say(self, command: Command, payload: bytes = b"") -> None:
        """Write a command. Never blocks; what the pipe does not take waits in memory."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(frame(command, payload))

    def release(self) -> None:
        """The call is over. The process is leased again when it has dropped what it had to do."""
        self._lessee = None
        if self.state is not _State.LEASED:
            return
        self.state = _State.CLOSING
        self.say(Command.CLOSE)
        self._closing = self._loop.call_later(CLOSE_DEADLINE_S, self.kill)

    def kill(self) -> None:
        """End the process at once; `ended` is set when it is gone. It is not leased any more."""
        self.state = _State.DEAD
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            for code, payload in self._reader.feed(data):
                self._hear(Report(code), payload)

    def process_exited(self) -> None:
        self.kill()  # closes the pipes
        if self._closing is not None:
            self._closing.cancel()
        error = UnavailableError(
            PROVIDER,
            self._reason or f"recognizer process {self.pid} ended ({self._exit()})",
            hint="another is started in its place",
        )
        self.ended.set()
        self._pool.lost(self, was_loaded=self.ready.done())
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # not a warning when nobody waits any more
        if self._lessee is not None:
            self._lessee.failed(error)

    def _exit(self) -> str:
        code = self._transport.get_returncode() if self._transport else None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def _hear(self, report: Report, payload: bytes) -> None:
        match report:
            case Report.READY:
                self._become_idle()
            case Report.FAILED:
                self._reason = payload.decode(errors="replace")
            case Report.TAKEN if self._lessee is not None:
                self._lessee.taken(_TAKEN.unpack(payload)[0])
            case Report.RESULT if self._lessee is not None:
                self._lessee.understood(Result.from_json(payload))

    def _become_idle(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self.state is _State.DEAD:
            return  # too late: it is being killed
        if not self.ready.done():
            self.ready.set_result(None)
        self.state = _State.IDLE
        self._pool.freed(self)


class WorkerPool:
    """`size` processes, one for each call at a time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._workers: set[WorkerProcess] = set()
        self._idle: asyncio.Queue[WorkerProcess] = asyncio.Queue()
        self._deaths: deque[float] = deque(maxlen=16)
        self._lost = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._open = False

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def start(self) -> None:
        """Start all processes and wait until every one has loaded its models.

        Raises:
            UnavailableError: one ended, or they did not load within 60 s.
        """
        self._open = True
        try:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                async with asyncio.TaskGroup() as group:
                    for _ in range(self.size):
                        group.create_task(self._spawn())
        except TimeoutError:
            await self.aclose()
            raise UnavailableError(
                PROVIDER, f"the recognizer processes did not load in {LOAD_DEADLINE_S:g} s"
            ) from None
        except BaseExceptionGroup as errors:
            await self.aclose()
            raise errors.exceptions[0] from None
        except BaseException:
            await self.aclose()
            raise
        self._supervisor = asyncio.create_task(self._replace_lost())

    async def lease(self) -> WorkerProcess:
        """A process for one call; give it back with its `release()`.

        Raises:
            CapacityError: all are taken.
            UnavailableError: the pool is not open, or its processes died.
        """
        try:
            async with asyncio.timeout(LEASE_DEADLINE_S if self._worth_waiting() else 0):
                while self._open:
                    worker = await self._idle.get()
                    if worker.state is _State.IDLE:
                        worker.state = _State.LEASED
                        return worker
        except TimeoutError:
            raise self._refusal() from None
        raise _not_open()

    async def aclose(self) -> None:
        """Kill every process and wait until each is gone."""
        self._open = False
        workers = list(self._workers)
        for worker in workers:
            worker.kill()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
            self._supervisor = None
        self._idle = asyncio.Queue()
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                for worker in workers:
                    await worker.ended.wait()
        except TimeoutError:
            alive = [worker.pid for worker in workers if not worker.ended.is_set()]
            raise DeadlineError(PROVIDER, f"processes {alive} do not end") from None

    def freed(self, worker: WorkerProcess) -> None:
        """`worker` can be leased."""
        self._idle.put_nowait(worker)

    def lost(self, worker: WorkerProcess, *, was_loaded: bool) -> None:
        """`worker` has ended."""
        self._workers.discard(worker)
        if self._open and was_loaded:
            self._deaths.append(asyncio.get_running_loop().time())
            self._lost.set()

    def _worth_waiting(self) -> bool:
        """Whether a process, now tidying up or about to be replaced, may soon be idle."""
        return self._open and sum(w.state is _State.LEASED for w in self._workers) < self.size

    def _refusal(self) -> ProviderError:
        if not self._open:
            return _not_open()
        if self._worth_waiting():
            return UnavailableError(
                PROVIDER, "no recognizer process is ready", hint="replacements are under way"
            )
        return CapacityError(
            PROVIDER,
            f"all {self.size} recognizer processes are taken by other calls",
            hint="set PARLEY_POCKETSPHINX_PROCESSES to the number of calls at a time"
            " (each process takes about 120 MB)",
        )

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        worker = WorkerProcess(self)
        self._workers.add(worker)
        try:
            await loop.subprocess_exec(
                lambda: worker,
                *(sys.executable, "-P", "-m", _MODULE),
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                # What is sent to the parent's group (Ctrl-C, a drain) is for the parent alone.
                start_new_session=True,
            )
        except BaseException:
            self._workers.discard(worker)
            raise
        try:
            await worker.ready
        except BaseException:
            worker.kill()
            raise

    async def _replace_lost(self) -> None:
        """The pool's one task: starts a process for each that died."""
        while True:
            await self._lost.wait()
            self._lost.clear()
            while len(self._workers) < self.size:
                await asyncio.sleep(replacement_delay_s(self._deaths, _now()))
                await self._replace_one()

    async def _replace_one(self) -> None:
        try:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                await self._spawn()
        except (OSError, ProviderError, TimeoutError):
            self._deaths.append(_now())  # and the loop tries again, later


def _not_open() -> UnavailableError:
    return UnavailableError(PROVIDER, "not started, or closed", hint="call start() first")


def _now() -> float:
    return asyncio.get_running_loop().time()
