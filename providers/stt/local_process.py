"""One worker process of a recognizer on this machine, as its parent sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol, cast

from ..errors import MissingKeyError, ProviderError, UnavailableError
from .local_wire import Command, Failure, FrameReader, Report, Result, frame

__all__ = ["Lessee", "State", "WorkerProcess", "WorkerProgram"]

_ROOT = Path(__file__).resolve().parents[2]
_TAKEN = struct.Struct("!I")
_LAST_WORDS = 300  # bytes of stderr
LAST_WORDS_S = 0.5


@dataclass(frozen=True, slots=True)
class WorkerProgram:
    """What a worker process runs.

    Attributes:
        provider: the catalogue name of the recognizer.
        module: what it is; it calls `serve` of `local_worker`.
        arguments: what the module is told on its command line.
        close_deadline_s: how long a process that was given back may take for what it had begun.
    """

    provider: str
    module: str
    arguments: tuple[str, ...] = ()
    close_deadline_s: float = 5.0


class Lessee(Protocol):
    """Who holds a process: told of what it says."""

    def taken(self, byte_count: int) -> None: ...

    def understood(self, result: Result) -> None: ...

    def failed(self, error: ProviderError) -> None: ...


class State(Enum):
    """What a process is doing."""

    LOADING = auto()
    IDLE = auto()
    LEASED = auto()
    CLOSING = auto()  # given back, not yet ready for the next lessee
    DEAD = auto()


class WorkerProcess(asyncio.SubprocessProtocol):
    """One process. Its pipes are served by callbacks: no task, no queue.

    Args:
        program: what it runs.
        freed: called whenever it can be leased.
        lost: called when it has ended, with why.

    Attributes:
        loaded: whether it has ever been ready.
        ready: done when its models are loaded, with what they can do, or when it failed.
        ended: set when it is gone.
    """

    def __init__(
        self,
        program: WorkerProgram,
        freed: Callable[[WorkerProcess], None],
        lost: Callable[[WorkerProcess, ProviderError], None],
    ) -> None:
        self._program = program
        self._freed = freed
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._lessee: Lessee | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._failure: Failure | None = None
        self._last_words = b""
        self.state = State.LOADING
        self.loaded = False
        self.ready: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self.ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid() if self._transport else None

    async def start(self) -> None:
        """Start it, and wait until it is loaded.

        Raises:
            MissingKeyError: it cannot be loaded until the user has done something.
            UnavailableError: it cannot be started, or ended.
        """
        try:
            await self._begin()
            await self.ready
        except BaseException:
            self.kill()
            raise

    async def _begin(self) -> None:
        program = self._program
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        try:
            await self._loop.subprocess_exec(
                lambda: self,
                *(sys.executable, "-P", "-m", program.module, *program.arguments),
                env={**os.environ, "PYTHONPATH": path},
                # What is sent to the parent's group (Ctrl-C, a drain) is for the parent alone.
                start_new_session=True,
            )
        except (OSError, RuntimeError) as error:  # no memory, no file, no thread that waits for it
            raise UnavailableError(
                program.provider,
                f"no process can be started: {error}",
                hint="see what uses up this machine's memory, processes or open files",
            ) from None

    def open(self, lessee: Lessee, wanted: Mapping[str, Any]) -> None:
        """A lessee begins on this process, leased before.

        Args:
            lessee: who is told of what the process says.
            wanted: what its recognizer's `open` takes.
        """
        self._lessee = lessee
        self.say(Command.OPEN, json.dumps(wanted).encode())

    def say(self, command: Command, payload: bytes = b"") -> None:
        """Write a command. Never blocks; what the pipe does not take waits in memory."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(frame(command, payload))

    def release(self) -> None:
        """The lessee has left. The next gets the process when it has dropped what it had to do."""
        self._lessee = None
        if self.state is not State.LEASED:
            return
        self.state = State.CLOSING
        self.say(Command.CLOSE)
        self._closing = self._loop.call_later(self._program.close_deadline_s, self.kill)

    def kill(self) -> None:
        """End the process at once; `ended` is set when it is gone. It is not leased any more."""
        self.state = State.DEAD
        if self._transport is not None:
            self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        if self.state is State.DEAD:
            self._transport.close()  # it began all the same, when it was given up

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            for code, payload in self._reader.feed(data):
                self._hear(Report(code), payload)
        else:
            self._last_words = (self._last_words + data)[-_LAST_WORDS:]

    def process_exited(self) -> None:
        self.state = State.DEAD
        if self._closing is not None:
            self._closing.cancel()
        # Why it has ended may still be in its pipes, which another process could keep open.
        self._closing = self._loop.call_later(LAST_WORDS_S, self.kill)

    def connection_lost(self, exc: Exception | None) -> None:
        self.kill()
        if self._closing is not None:
            self._closing.cancel()
        error = self._error()
        self.ended.set()
        self._lost(self, error)
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # not a warning when nobody waits any more
        if self._lessee is not None:
            self._lessee.failed(error)

    def _error(self) -> ProviderError:
        """Why it ended."""
        failure = self._failure
        if failure is None:
            said = self._said()
            reason = f"recognizer process {self.pid} ended ({self._exit()})"
            reason += f": {said}" if said else ""
            failure = Failure(reason, hint="another is started in its place")
        kind = MissingKeyError if failure.lasting else UnavailableError
        return kind(self._program.provider, failure.reason, hint=failure.hint)

    def _said(self) -> str:
        """The last words of a process that gave up: libraries (CUDA's) say why there alone."""
        if self._code() == -signal.SIGKILL:
            return ""  # somebody else ended it
        return " ".join(self._last_words.decode(errors="replace").split())

    def _code(self) -> int | None:
        return self._transport.get_returncode() if self._transport else None

    def _exit(self) -> str:
        code = self._code()
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def _hear(self, report: Report, payload: bytes) -> None:
        match report:
            case Report.READY:
                self._become_idle(payload)
            case Report.FAILED:
                self._failure = Failure.from_json(payload)
            case Report.TAKEN if self._lessee is not None:
                self._lessee.taken(_TAKEN.unpack(payload)[0])
            case Report.RESULT if self._lessee is not None:
                self._lessee.understood(Result.from_json(payload))

    def _become_idle(self, abilities: bytes) -> None:
        if self.state is State.DEAD:
            return  # too late: it is being killed, or has ended
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self.loaded = True
        if not self.ready.done():
            self.ready.set_result(json.loads(abilities))
        self.state = State.IDLE
        self._freed(self)
