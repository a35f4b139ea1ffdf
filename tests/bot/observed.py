"""A worker that can be looked into: `python -m tests.bot.observed serve` is `parley serve`, but

- `PARLEY_STT_PROVIDER=deaf` is a recognizer that costs nothing and understands nothing, and
- on SIGUSR1 the process gives back the memory that it has freed, and writes what tasks it has into
  the file that `OBSERVED_FILE` names.

`observed_worker` starts one.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.cli import main
from bot.demo.worker import start_worker
from bot.phone.call import PhoneConfig
from providers.catalog import STT
from providers.types import SttCapabilities, SttEvent, SttOptions, Transcript

from .process_facts import ProcessFacts, facts_of, happens

__all__ = ["Deaf", "Observed", "observed_worker"]

MODULE = "tests.bot.observed"
VARIABLE = "OBSERVED_FILE"
DEADLINE_S = 10.0


class _Stream:
    """Answers each utterance with an empty transcript."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[SttEvent | None] = asyncio.Queue()

    def send(self, audio: bytes) -> None:
        pass

    def finalize(self) -> None:
        self._events.put_nowait(Transcript("", final=True))

    def expect(self, phrases: Sequence[str]) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[SttEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def finish(self) -> None:
        self._events.put_nowait(None)


class Deaf:
    """A recognizer of which there may be any number."""

    name = "deaf"
    capabilities = SttCapabilities(utterances=True)
    capacity: int | None = None

    async def start(self) -> None:
        pass

    @asynccontextmanager
    async def stream(self, options: SttOptions) -> AsyncIterator[_Stream]:
        yield _Stream()

    async def aclose(self) -> None:
        pass


def _write_tasks(*_: object) -> None:
    """Between two steps of the loop: Python runs signal handlers in the main thread."""
    gc.collect()
    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
    tasks = Counter(
        task.get_coro().__qualname__  # type: ignore[union-attr]
        for task in asyncio.all_tasks(asyncio.get_running_loop())
    )
    file = Path(os.environ[VARIABLE])
    file.with_suffix(".new").write_text(json.dumps(tasks))
    file.with_suffix(".new").rename(file)


@dataclass(frozen=True, slots=True)
class Observed:
    """A worker that takes calls, how to call it, and how to look into it."""

    phone: PhoneConfig
    pid: int
    log: Path
    file: Path

    async def facts(self) -> tuple[ProcessFacts, Counter[str]]:
        """What it holds, its free memory given back, and its tasks by the coroutine they run.

        Raises:
            TimeoutError: it did not answer.
        """
        self.file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        if not await happens(self.file.exists, DEADLINE_S):
            raise TimeoutError(f"process {self.pid} did not tell what tasks it has")
        return facts_of(self.pid), Counter(json.loads(self.file.read_text()))

    def tracebacks(self) -> list[str]:
        """Lines of its log that tell of an exception that nobody expected."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if "Traceback" in line]


@asynccontextmanager
async def observed_worker(dialog: str, **settings: str) -> AsyncIterator[Observed]:
    """Run one with these variables, until the context is left."""
    with tempfile.TemporaryDirectory(prefix="parley-observed-") as folder:
        log, file = Path(folder, "worker.log"), Path(folder, "tasks.json")
        settings[VARIABLE] = str(file)
        async with start_worker(dialog, log, module=MODULE, **settings) as worker:
            phone = PhoneConfig(worker.url, worker.auth_token)
            yield Observed(phone, worker.process.pid, log, file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _write_tasks)
    STT["deaf"] = f"{MODULE}:Deaf"
    main()
