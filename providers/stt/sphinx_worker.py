"""The process that recognizes one call at a time: ``python -m providers.stt.sphinx_worker``.

It speaks the frames of `sphinx_wire` over stdin and stdout, and ends when stdin does: however its
parent dies, it does not survive it.
"""

from __future__ import annotations

import json
import os
import signal
import struct
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from .sphinx_wire import Command, FrameReader, Report, frame

if TYPE_CHECKING:
    from .sphinx_decoder import Recognizer

__all__ = ["main"]

_TAKEN = struct.Struct("!I")
_TAKEN_STEP = 8_000  # bytes, 250 ms: a report for every frame would wake the parent too often
_READ_BYTES = 65_536


class _Inbox:
    """Reads commands while the decoder, which holds the interpreter for long, decodes."""

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

    def report(self, kind: Report, payload: bytes = b"") -> None:
        rest = memoryview(frame(kind, payload))
        while rest:
            rest = rest[os.write(self._reports, rest) :]

    def run(self) -> NoReturn:
        self.report(Report.READY)
        while True:
            self._carry_out(*self._inbox.commands.get())

    def _carry_out(self, command: Command, payload: bytes) -> None:
        match command:
            case Command.AUDIO:
                self._hear(payload)
            case Command.FINALIZE:
                self._report_taken()
                self.report(Report.RESULT, self._recognizer.finalize().to_json())
            case Command.EXPECT:
                self._recognizer.expect(json.loads(payload))
            case Command.OPEN:
                wanted = json.loads(payload)
                self._recognizer.open(wanted["phrases"], interims=wanted["interims"])
            case Command.CLOSE:
                self._recognizer.open((), interims=False)
                self._taken = 0
                self.report(Report.READY)

    def _hear(self, audio: bytes) -> None:
        self._recognizer.hear(audio)
        self._taken += len(audio)
        if self._taken >= _TAKEN_STEP:
            self._report_taken()
        # An interim transcript takes time that a decoder which lags does not have.
        if self._inbox.commands.empty() and (result := self._recognizer.interim()):
            self.report(Report.RESULT, result.to_json())

    def _report_taken(self) -> None:
        self.report(Report.TAKEN, _TAKEN.pack(self._taken))
        self._taken = 0


def main() -> NoReturn:
    """Load, then serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent
    reports = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    inbox = _Inbox()
    Thread(target=inbox.read, daemon=True).start()
    try:
        from .sphinx_decoder import Recognizer

        _Session(Recognizer(), inbox, reports).run()
    except Exception as error:  # the last words: the parent raises them
        reason = f"{type(error).__name__}: {error}".encode()[:500]
        os.write(reports, frame(Report.FAILED, reason))
        os._exit(1)


if __name__ == "__main__":
    main()
