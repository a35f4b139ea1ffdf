"""The processes that dial, and are killed: forked from one that has imported all, so that the next
one is there soon."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from .plan import ProofPlan

__all__ = ["Dialers", "Place"]

_PRELOADED = (
    "bot.campaign.dialing",
    "bot.campaign.settling",
    "bot.campaign.tick_broker",
    "bot.telephony.rest",
    "twilio.rest",
    "twilio.rest.api.v2010.account.call",
    __name__,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dialer finds everything.

    Attributes:
        log: where it writes what it has to say.
    """

    redis_url: str
    public_url: str
    account: str
    token: str
    log: Path


class Dialers:
    """So many dialers, each with an address of Twilio's of its own, by which it is known.

    Attributes:
        ended: those that were found to have ended by themselves, which none should.
    """

    def __init__(self, plan: ProofPlan, place: Place, ports: Sequence[int]) -> None:
        self.ended: list[str] = []
        self._plan = plan
        self._place = place
        self._processes: dict[int, ForkServerProcess | None] = dict.fromkeys(ports)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(_PRELOADED))

    @property
    def ports(self) -> tuple[int, ...]:
        """One for each dialer."""
        return tuple(self._processes)

    async def start(self, port: int) -> None:
        """Start the dialer with that address, in place of one that is dead."""
        process = self._context.Process(target=_run, args=(self._plan, self._place, port))
        await asyncio.to_thread(process.start)
        self._processes[port] = process

    async def kill(self, port: int) -> None:
        """Kill the dialer with that address, and wait until it is dead."""
        process = self._processes[port]
        assert process is not None
        if process.exitcode is not None:
            self.ended.append(f"{port}: {process.exitcode}")
            return
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.join)

    async def kill_all(self) -> None:
        """At the end."""
        for port, process in list(self._processes.items()):
            if process is not None:
                await self.kill(port)
                self._processes[port] = None


def _run(plan: ProofPlan, place: Place, port: int) -> None:
    """In the new process: dial until killed."""
    # Of what waits in a buffer nothing is left of who is killed.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    output = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    asyncio.run(_dial(plan, place, port))


async def _dial(plan: ProofPlan, place: Place, port: int) -> None:
    from bot.campaign.dialing import Dialing
    from bot.campaign.settling import Settling
    from bot.campaign.store import CampaignStore
    from bot.settings import Settings
    from bot.store import Store
    from bot.telephony.rest import TwilioRest

    settings = Settings.model_validate(
        {
            "public_url": place.public_url,
            "redis_url": place.redis_url,
            "state_dir": place.log.parent,
            "dev": True,
        }
    )
    campaigns = CampaignStore(place.redis_url)
    dialing = Dialing(
        settings,
        campaigns,
        TwilioRest(place.account, place.token, api_url=f"http://127.0.0.1:{port}"),
        Settling(campaigns, Store(place.redis_url)),
        _Nobody(),
        place.redis_url,
        timings=plan.timings,
        limits=plan.limits,
    )
    proof = multiprocessing.parent_process()
    assert proof is not None
    # A proof that is killed itself leaves nobody behind.
    asyncio.get_running_loop().add_reader(proof.sentinel, os._exit, 1)
    await dialing.run()


class _Nobody:
    async def deliver(self) -> None:
        """There is nobody to be told of events."""
