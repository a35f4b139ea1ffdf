"""What runs in a worker process: a recognizer, for one lessee at a time, behind a pair of pipes.

It speaks the frames of `local_wire` over stdin and stdout, and ends when stdin does: however its
parent dies, it does not survive it.
"""

from __future__ import annotations

import json
import os
import signal
import struct
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NoReturn, Protocol

from .local_wire import Command, Failure, FrameReader, Report, Result, frame

__all__ = ["LoadError", "Recognizer", "serve"]

_TAKEN = struct.Struct("!I")
_TAKEN_STEP = 8_000  # bytes, 250 ms: a report for every frame would wake the parent too often
_READ_BYTES = 65_536


class LoadError(Exception):
    """A recognizer cannot be had until the user has done something about it: see `failure`."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.failure = Failure(reason, hint, lasting=True)


class Recognizer(Protocol):
    """What a worker process does. Audio is PCM16 at 16 kHz.

    Attributes:
        abilities: what its models can do, in terms of JSON, for the parent.
    """

    @property
    def abilities(self) -> Mapping[str, Any]: ...

    def open(self, wanted: Mapping[str, Any]) -> None:
        """A lessee begins: nothing of the one before is remembered."""

    def close(self) -> None:
        """The lessee has left."""

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, `phrases` are expected."""

    def hear(self, audio: bytes) -> None:
        """More of the utterance."""

    def interim(self) -> Result | None:
        """What was understood so far, if there is something to say."""

    def finalize(self) -> Result:
        """The utterance is over: what was said, perhaps nothing."""


class _Inbox:
    """Reads commands while the recognizer, which may hold the interpreter for long, decodes."""

    def __init__(self) -> None:
        self.commands: SimpleQueue[tuple[Command, bytes]] = SimpleQueue()

    def read(self) -> NoReturn:
        reader = FrameReader()
        while data := os.read(0, _READ_BYTES):
            for code, payload in reader.feed(data):
                command = Command(code)
                if command is Command.CLOSE:
                    self._forget()
                self.commands.put((command, payload))
        os._exit(0)  # at once, even in the middle of an utterance: nobody is waiting for it

    def _forget(self) -> None:
        try:
            while True:
                self.commands.get_nowait()
        except Empty:
            pass


class _Session:
    """Carries out commands on the recognizer and reports."""

    def __init__(self, recognizer: Recognizer, inbox: _Inbox, reports: int) -> None:
        self._recognizer = recognizer
        self._inbox = inbox
        self._reports = reports
        self._taken = 0

    def run(self) -> NoReturn:
        self._report_ready()
        while True:
            self._carry_out(*self._inbox.commands.get())

    def _carry_out(self, command: Command, payload: bytes) -> None:
        match command:
            case Command.AUDIO:
                self._hear(payload)
            case Command.FINALIZE:
                self._report_taken()
                self._report(Report.RESULT, self._recognizer.finalize().to_json())
            case Command.EXPECT:
                self._recognizer.expect(json.loads(payload))
            case Command.OPEN:
                self._recognizer.open(json.loads(payload))
            case Command.CLOSE:
                self._recognizer.close()
                self._taken = 0
                self._report_ready()

    def _hear(self, audio: bytes) -> None:
        self._recognizer.hear(audio)
        self._taken += len(audio)
        if self._taken >= _TAKEN_STEP:
            self._report_taken()
        # An interim transcript takes time that a decoder which lags does not have.
        if self._inbox.commands.empty() and (result := self._recognizer.interim()):
            self._report(Report.RESULT, result.to_json())

    def _report_ready(self) -> None:
        self._report(Report.READY, json.dumps(self._recognizer.abilities).encode())

    def _report_taken(self) -> None:
        self._report(Report.TAKEN, _TAKEN.pack(self._taken))
        self._taken = 0

    def _report(self, kind: Report, payload: bytes) -> None:
        _write(self._reports, frame(kind, payload))


def serve(load: Callable[[], Recognizer]) -> NoReturn:
    """Load, then serve until stdin ends.

    Args:
        load: makes the recognizer. What fails in it, or later, is told to the parent, and is the
            end; if it is `LoadError`, the parent knows what to advise.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent
    reports = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    inbox = _Inbox()
    Thread(target=inbox.read, daemon=True).start()
    try:
        _Session(load(), inbox, reports).run()
    except LoadError as error:
        failure = error.failure
    except Exception as error:
        failure = Failure(f"{type(error).__name__}: {error}"[:500])
    _write(reports, frame(Report.FAILED, failure.to_json()))  # the parent raises it
    os._exit(1)


def _write(pipe: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(pipe, rest) :]
