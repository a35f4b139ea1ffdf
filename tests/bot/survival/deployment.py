"""A deployment in the small: workers behind one public URL, their Redis, Twilio's REST, a phone."""

from __future__ import annotations

import asyncio
import itertools
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.demo.worker import free_port
from bot.phone.balancer import Balancer
from bot.phone.config import PhoneConfig
from bot.phone.events import EventKind
from bot.phone.exchange import Exchange
from bot.phone.identity import SIMULATED_ACCOUNT
from bot.phone.steps import Step
from bot.redis_server import wait_until_stopped

from .caller import Caller
from .dialogs import JOURNAL, SPARE
from .journal import Journal
from .launching import launch, launch_warm
from .rest import Rest, twilio_rest
from .workers import Worker

__all__ = ["Deployment", "Fault", "deployment"]

DIALOGS = "tests.bot.survival.dialogs"
TOKEN = "a-token-of-the-proof"
REDIS_DEADLINE_S = 10.0
RECORD_DEADLINE_S = 10.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Fault:
    """Harm that was done to the worker that held a call.

    Attributes:
        worker: its name.
        pid: its process.
        at_ms: when, on the phone's clock.
        zero_ms: when that clock was zero, in ms since the epoch.
    """

    worker: str
    pid: int
    at_ms: float
    zero_ms: float


class Deployment:
    """What `deployment` started; `workers` are in the balancer's order."""

    def __init__(
        self,
        folder: Path,
        workers: list[Worker],
        public_url: str,
        rest: Rest,
        exchange: Exchange,
        balancer: Balancer,
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.public_url = public_url
        self.rest = rest
        self.exchange = exchange
        self._balancer = balancer
        self.journal = Journal(folder / "journal")
        self.spare = folder / "spare"
        self._numbers = itertools.count(5_550_100_001)
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._revivals: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start every worker that does not run."""
        await asyncio.gather(*(worker.start() for worker in self.workers if not worker.running))

    async def call(self, steps: Sequence[Step], to: str = "+15550100002") -> Caller:
        """Make a call, from a number of its own; it is answered when this returns."""
        config = PhoneConfig(
            self.public_url,
            TOKEN,
            from_number=f"+1{next(self._numbers)}",
            to_number=to,
            max_call_s=120,
        )
        caller = Caller(self._balancer, config, steps, self.exchange)
        await caller.reach(EventKind.VERB)
        return caller

    def worker(self, name: str) -> Worker:
        """The worker of this name."""
        return next(worker for worker in self.workers if worker.name == name)

    async def ask(self, worker: Worker, path: str) -> dict[str, Any]:
        """What a worker answers to `GET` of a path that gives JSON; nothing unless it is 200."""
        async with httpx.AsyncClient(trust_env=False, timeout=5, verify=False) as client:
            response = await client.get(worker.url + path)
        answer: dict[str, Any] = response.json() if response.status_code == 200 else {}
        return answer

    async def record(self, sid: str, worker: Worker) -> dict[str, Any]:
        """A call's record with its log, by way of this worker, when the call's end is in it.

        Raises:
            TimeoutError: that was not so for ten seconds.
        """
        async with asyncio.timeout(RECORD_DEADLINE_S):
            while True:
                record = await self.ask(worker, f"/api/calls/{sid}")
                if record.get("ended_ms") is not None:
                    return record
                await asyncio.sleep(POLL_S)

    def holder(self, caller: Caller) -> Worker:
        """The worker whose dialog was asked last in the call."""
        pid = self.journal.of(caller.sid)[-1].pid
        return next(worker for worker in self.workers if worker.pid == pid)

    def harm(self, caller: Caller, number: signal.Signals = signal.SIGKILL) -> Fault:
        """Send a signal to the worker that holds the call."""
        worker = self.holder(caller)
        fault = Fault(worker.name, worker.pid, caller.now_ms, caller.zero_ms)
        worker.signal(number)
        return fault

    def revive(self, name: str) -> None:
        """Start a worker that was killed again, in the background."""
        worker = self.worker(name)
        self._starting[name] = asyncio.create_task(self._revive(worker))
        self._revivals.append(self._starting[name])

    async def _revive(self, worker: Worker) -> None:
        await worker.ended()
        if not await worker.childless():
            raise AssertionError(f"{worker.name} was killed and left processes behind")
        await worker.start()

    def starting(self, name: str) -> bool:
        """Whether a worker is being started again."""
        return name in self._starting and not self._starting[name].done()

    async def revived(self) -> None:
        """Wait until all that are being started again take calls.

        A proof does so before it leaves, too: what a dead worker left behind is seen only here.

        Raises:
            AssertionError: a worker that was killed left processes behind.
            WorkerNotReady: it could not be started again.
        """
        await asyncio.gather(*self._revivals)
        self._revivals.clear()

    async def stop(self) -> None:
        for task in self._revivals:
            task.cancel()
        if self._revivals:
            await asyncio.wait(self._revivals)
        await asyncio.gather(*(worker.stop() for worker in self.workers))


@asynccontextmanager
async def deployment(
    dialog: str,
    *,
    workers: int = 2,
    redis_url: str | None = None,
    numbers: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
    warm: bool = False,
) -> AsyncIterator[Deployment]:
    """Run so many workers until the context is left.

    Args:
        dialog: a class of `tests.bot.survival.dialogs`.
        redis_url: their Redis; None is the private one of their common state directory.
        numbers: the dialogs of numbers that have one of their own.
        more: further variables of their environment.
        warm: start them fast, but not as anybody else would.
    """
    async with AsyncExitStack() as stack:
        # Not below pytest's folder: its path would be too long for Redis's socket.
        temporary = tempfile.TemporaryDirectory(prefix="survival-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        state_dir = folder / "state"
        exchange = Exchange()
        rest = await stack.enter_async_context(twilio_rest(exchange, TOKEN))
        public_url = f"http://127.0.0.1:{free_port()}"
        environment = {
            JOURNAL: str(folder / "journal"),
            SPARE: str(folder / "spare"),
            "PARLEY_DIALOG": f"{DIALOGS}:{dialog}",
            "PARLEY_POCKETSPHINX_PROCESSES": "1",
            "PARLEY_PUBLIC_URL": public_url,
            "PARLEY_STATE_DIR": str(state_dir),
            "PARLEY_TWILIO_API_URL": rest.url,
            "TWILIO_ACCOUNT_SID": SIMULATED_ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            **({"REDIS_URL": redis_url} if redis_url else {}),
            **(more or {}),
        }
        tables = [
            f'[numbers."{number}"]\ndialog = "{DIALOGS}:{name}"\n'
            for number, name in (numbers or {}).items()
        ]
        (folder / "parley.toml").write_text("".join(tables))
        names = [f"worker-{letter}" for letter in "abcdefgh"[:workers]]
        start = launch_warm if warm else launch
        made = [Worker(name, folder, environment, start) for name in names]
        balancer = Balancer(public_url, [worker.url for worker in made])
        running = Deployment(folder, made, public_url, rest, exchange, balancer)
        stack.push_async_callback(wait_until_stopped, state_dir, REDIS_DEADLINE_S)
        stack.push_async_callback(running.stop)
        await running.start()
        await stack.enter_async_context(balancer)
        yield running
