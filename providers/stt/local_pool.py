"""A bounded pool of worker processes of a recognizer: started, leased, replaced, ended."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog

from ..errors import CapacityError, DeadlineError, ProviderError, UnavailableError
from .local_process import State, WorkerProcess, WorkerProgram

__all__ = ["WorkerPool", "cores", "replacement_delay_s"]

log = structlog.get_logger(__name__)

LOAD_DEADLINE_S = 60.0
LEASE_DEADLINE_S = 5.0  # for a process that is tidying up after the call before, or loading
KILL_DEADLINE_S = 5.0
_DEATHS_WINDOW_S = 60.0
_DEATHS_FREE = 2
_LONGEST_DELAY_S = 30.0


def cores() -> int:
    """How many cores this process may use: in a container, fewer than the machine has."""
    there = os.cpu_count() or 1
    if not hasattr(os, "sched_getaffinity"):
        return there
    return min(there, len(os.sched_getaffinity(0)))


def replacement_delay_s(deaths: Sequence[float], now: float) -> float:
    """How long to wait before a dead process is replaced, given when processes died (seconds).

    Two in a minute are replaced at once; from then on the wait doubles, from 1 s to 30 s: a
    machine that cannot run them must not be kept busy with starting them.
    """
    recent = sum(now - death < _DEATHS_WINDOW_S for death in deaths)
    if recent <= _DEATHS_FREE:
        return 0.0
    return float(min(_LONGEST_DELAY_S, 2.0 ** (recent - _DEATHS_FREE - 1)))


class WorkerPool:
    """`size` processes, one for each lessee at a time.

    Args:
        program: what they run.
        size: how many.
        full: what the user can do when all are taken.
    """

    def __init__(self, program: WorkerProgram, size: int, *, full: str) -> None:
        self.size = size
        self._program = program
        self._provider = program.provider
        self._full = full
        self._workers: set[WorkerProcess] = set()
        self._idle: asyncio.Queue[WorkerProcess | None] = asyncio.Queue()  # None: look again
        self._waiting = 0
        self._fault: ProviderError | None = None  # why the last one that died is not replaced
        self._deaths: deque[float] = deque(maxlen=16)
        self._died = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._open = False

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    @property
    def spare(self) -> bool:
        """Whether a process is idle and nobody waits for it."""
        return sum(worker.state is State.IDLE for worker in self._workers) > self._waiting

    async def start(self) -> dict[str, Any]:
        """Start all processes and wait until every one has loaded its models.

        Returns:
            What the models can do, as the recognizer says it.

        Raises:
            MissingKeyError: they cannot be loaded until the user has done something.
            UnavailableError: one ended, or they did not load within 60 s.
        """
        self._open, self._fault = True, None
        try:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                async with asyncio.TaskGroup() as group:
                    started = [group.create_task(self._spawn()) for _ in range(self.size)]
        except TimeoutError:
            await self.aclose()
            raise self._not_loaded() from None
        except BaseExceptionGroup as errors:
            await self.aclose()
            raise errors.exceptions[0] from None
        except BaseException:
            await self.aclose()
            raise
        self._supervisor = asyncio.create_task(self._replace_lost())
        return started[0].result()

    async def lease(self, *, patience_s: float = 0.0) -> WorkerProcess:
        """A process for one lessee, who came first; to be given back with its `release()`.

        Args:
            patience_s: how long to wait for one that is taken. One that is about to be idle is
                waited for in any case.

        Raises:
            CapacityError: all are taken.
            UnavailableError: the pool is not open, or is closed meanwhile, or its processes died.
        """
        idle = self._idle
        if self._worth_waiting():
            patience_s = max(patience_s, LEASE_DEADLINE_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(patience_s):
                while self._open and self._idle is idle:
                    if self._hopeless():
                        raise self._refusal()
                    worker = await idle.get()
                    if worker is not None and worker.state is State.IDLE:
                        worker.state = State.LEASED
                        return worker
        except TimeoutError:
            raise self._refusal() from None
        finally:
            self._waiting -= 1
        raise self._not_open()

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
        self._wake()
        self._idle = asyncio.Queue()
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                for worker in workers:
                    await worker.ended.wait()
        except TimeoutError:
            alive = [worker.pid for worker in workers if not worker.ended.is_set()]
            raise DeadlineError(self._provider, f"processes {alive} do not end") from None

    def _freed(self, worker: WorkerProcess) -> None:
        self._idle.put_nowait(worker)

    def _wake(self) -> None:
        """Have whoever waits for a process see how things are now."""
        for _ in range(self._waiting):
            self._idle.put_nowait(None)

    def _lost(self, worker: WorkerProcess, error: ProviderError) -> None:
        self._workers.discard(worker)
        if not self._open:
            return
        if worker.loaded:
            log.warning("recognizer process lost", error=str(error))
            self._deaths.append(_now())
        self._died.set()

    def _worth_waiting(self) -> bool:
        """Whether a process, now tidying up or about to be replaced, may soon be idle."""
        return self._open and sum(w.state is State.LEASED for w in self._workers) < self.size

    def _hopeless(self) -> bool:
        """Whether no process is there, and another will not be before the user has done something.

        They are tried again all the same, and the error is one that may pass: it has worked before.
        """
        lasting = self._fault is not None and not self._fault.retryable
        return lasting and all(
            worker.state in (State.LOADING, State.DEAD) for worker in self._workers
        )

    def _refusal(self) -> ProviderError:
        if not self._open:
            return self._not_open()
        if self._worth_waiting() and (fault := self._fault) is not None:
            return UnavailableError(
                self._provider, f"no process is ready: {fault.reason}", hint=fault.hint
            )
        if self._worth_waiting():
            return UnavailableError(
                self._provider,
                "no recognizer process is ready",
                hint="replacements are under way",
            )
        return CapacityError(
            self._provider, f"all {self.size} recognizer processes are taken", hint=self._full
        )

    def _not_open(self) -> UnavailableError:
        return UnavailableError(self._provider, "not started, or closed", hint="call start() first")

    def _not_loaded(self) -> UnavailableError:
        return UnavailableError(
            self._provider, f"the recognizer processes did not load in {LOAD_DEADLINE_S:g} s"
        )

    async def _spawn(self) -> dict[str, Any]:
        worker = WorkerProcess(self._program, self._freed, self._lost)
        self._workers.add(worker)
        try:
            await worker.start()
        except BaseException:
            if worker.pid is None:
                self._workers.discard(worker)
            raise
        return worker.ready.result()

    async def _replace_lost(self) -> None:
        """The pool's one task: starts a process for each that died."""
        while True:
            await self._died.wait()
            self._died.clear()
            while len(self._workers) < self.size:
                await asyncio.sleep(replacement_delay_s(self._deaths, _now()))
                await self._replace_one()

    async def _replace_one(self) -> None:
        try:
            async with asyncio.timeout(LOAD_DEADLINE_S):
                await self._spawn()
        except TimeoutError:
            self._not_replaced(self._not_loaded())
        except ProviderError as error:
            self._not_replaced(error)
        else:
            self._fault = None

    def _not_replaced(self, error: ProviderError) -> None:
        """Note it; another try follows, later."""
        log.warning("recognizer process not replaced", error=str(error))
        self._deaths.append(_now())
        self._fault = error
        self._wake()


def _now() -> float:
    return asyncio.get_running_loop().time()
