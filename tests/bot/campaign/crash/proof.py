"""The whole proof: everything is started, harmed, waited for and judged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.campaign.settling import Settling
from bot.campaign.store import CampaignStore
from bot.demo.worker import free_port
from bot.phone.config import PhoneConfig
from bot.phone.exchange import Exchange
from bot.redis_link import StoreUnavailable
from bot.store import Store
from tests.bot.redis_process import RedisProcess, redis_process
from tests.serving import serving_app
from tests.vendors.twilio_rest.dialling import Dialling, DiallingConfig
from tests.vendors.twilio_rest.mischief import Kind
from tests.vendors.twilio_rest.people import People
from tests.vendors.twilio_rest.server import serving
from tests.vendors.twilio_rest.standin import TwilioRestStandIn

from ..alive import announce
from .bot import bot_app, worker_of
from .dialers import Dialers, Place
from .gate import Gate
from .judge import Placed, Verdict, judge
from .killing import Killer
from .plan import LIST_LAG_S, SPEED, ProofPlan

__all__ = ["Outcome", "prove"]

ACCOUNT = "AC" + "c0" * 16
TOKEN = "crash-proof-token"
MISCHIEF: tuple[Kind, ...] = ("busy", "failed_after", "failure", "cut", "lost")
STORE_S = 5.0
"""The proof itself waits longer for Redis than those who are proved."""
LOOK_S = 0.2
STUCK_S = 120.0
"""With nothing accepted and nobody done for so long, the campaign stands still."""


@dataclass(slots=True)
class Outcome:
    """What came of a proof.

    Attributes:
        killed: how many, by who they were.
        asking: how many of them while Twilio held their request.
    """

    verdict: Verdict
    killed: dict[str, int]
    asking: int
    kills: int
    seconds: float

    @property
    def problems(self) -> list[str]:
        return self.verdict.problems


@dataclass(slots=True)
class _Stage:
    redis: RedisProcess
    store: CampaignStore
    dialling: Dialling
    gate: Gate
    dialers: Dialers
    complaints: list[str] = field(default_factory=list)


async def prove(plan: ProofPlan, folder: Path, report: Callable[[str], None]) -> Outcome:
    """Run a campaign, kill, wait until it is over, and judge.

    Args:
        folder: for the dialers' log.
        report: told of progress, a line now and then.
    """
    began_s = time.monotonic()
    async with _stage(plan, folder) as stage:
        campaign = await _start(stage.store, plan)
        killer = Killer(
            stage.gate, stage.dialers, stage.redis, random.Random(plan.seed), plan.late_s
        )
        for port in stage.dialers.ports:
            await stage.dialers.start(port)
        async with asyncio.TaskGroup() as tasks:
            await _harm(stage, plan, killer, tasks, report)
            await _over(stage, campaign, killer, report)
        verdict = await _judge(stage, campaign, plan)
        await stage.dialers.kill_all()
        verdict.problems += [f"a dialer ended by itself: {what}" for what in stage.dialers.ended]
        verdict.problems += [f"Twilio: {complaint}" for complaint in stage.complaints]
    return Outcome(
        verdict, dict(killer.killed), killer.asking, killer.kills, time.monotonic() - began_s
    )


@contextlib.asynccontextmanager
async def _stage(plan: ProofPlan, folder: Path) -> AsyncIterator[_Stage]:
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_process("always"))
        store = CampaignStore(redis.url, deadline_s=STORE_S)
        calls = Store(redis.url, deadline_s=STORE_S)
        stack.push_async_callback(store.aclose)
        stack.push_async_callback(calls.aclose)
        api_port = free_port()
        worker = None
        if plan.whole:
            api_url = f"http://127.0.0.1:{api_port}"
            worker = worker_of(folder, redis.url, api_url, ACCOUNT, TOKEN)
            bot_url = worker.url
        else:
            await announce(redis.url, "parley:", max_calls=10_000)
            app = bot_app(store, Settling(store, calls))
            bot_url = (await stack.enter_async_context(serving_app(app))).url
        exchange = Exchange()
        phone = PhoneConfig(bot_url, TOKEN, account_sid=ACCOUNT, speed=SPEED)
        config = DiallingConfig(phone, None, plan.meddling)
        dialling = await stack.enter_async_context(
            Dialling(config, People(others=plan.crowd), exchange)
        )
        standin = TwilioRestStandIn(ACCOUNT, TOKEN, exchange=exchange, dialling=dialling)
        standin.account.list_lag_s = LIST_LAG_S
        for number, kind in enumerate(MISCHIEF):
            seed = plan.seed + number
            standin.misbehave(kind, times=None, only="POST", chance=0.004, seed=seed)
        gate = Gate(standin)
        urls = [await stack.enter_async_context(serving(gate)) for _ in range(plan.workers)]
        await stack.enter_async_context(serving(gate, api_port))
        stack.callback(standin.closing.set)
        if worker is not None:
            stack.push_async_callback(worker.stop)
            await worker.start()
        place = Place(redis.url, bot_url, ACCOUNT, TOKEN, folder / "dialers.log")
        dialers = Dialers(plan, place, [int(url.rpartition(":")[2]) for url in urls])
        stack.push_async_callback(dialers.kill_all)
        yield _Stage(redis, store, dialling, gate, dialers, standin.complaints)


async def _start(store: CampaignStore, plan: ProofPlan) -> str:
    campaign = (await store.create(plan.spec)).id
    people = plan.people(await store.now_ms())
    for at in range(0, len(people), 1000):
        await store.add(campaign, people[at : at + 1000])
    await store.change(campaign, "running", allowed=["draft"])
    return campaign


async def _harm(
    stage: _Stage,
    plan: ProofPlan,
    killer: Killer,
    tasks: asyncio.TaskGroup,
    report: Callable[[str], None],
) -> None:
    """Kill so often, spread over the campaign: each time when so many calls more were accepted."""
    ledger = stage.dialling.ledger
    for number in range(plan.kills):
        due = number * plan.contacts * 0.9 / plan.kills
        waited_s = 0.0
        while len(ledger) < due and waited_s < STUCK_S:
            await asyncio.sleep(LOOK_S / 10)
            waited_s += LOOK_S / 10
        before = killer.kills
        await killer.kill(tasks)
        if killer.kills % 50 == 0 and killer.kills > before:
            report(f"{killer.kills} killed, {len(ledger)} calls accepted")


async def _over(
    stage: _Stage, campaign: str, killer: Killer, report: Callable[[str], None]
) -> None:
    """Wait until the campaign is done and all its calls are over, or stands still."""
    seen, still_s, said = (0, 0), 0.0, 0.0
    while still_s < STUCK_S:
        await asyncio.sleep(LOOK_S)
        still_s, said = still_s + LOOK_S, said + LOOK_S
        try:
            kept = await stage.store.campaign(campaign)
            progress = await stage.store.progress(campaign)
        except StoreUnavailable:
            continue
        if kept is not None and kept.state == "done":
            return
        if (now := (len(stage.dialling.ledger), progress.done)) != seen:
            seen, still_s = now, 0.0
        if said >= 10:
            said = 0.0
            report(f"{progress.done} of {progress.contacts} done, {progress.live} live")


async def _judge(stage: _Stage, campaign: str, plan: ProofPlan) -> Verdict:
    now_s = time.time()
    placed = [
        Placed(
            entry.call.to_number,
            entry.attempt,
            entry.at_s,
            entry.call.ended_s or now_s,
            entry.call.status,
            entry.call.duration_s,
            # A whole worker wants to see a stream, which these people do not open.
            entry.heard and not plan.whole,
        )
        for entry in stage.dialling.ledger.values()
    ]
    contacts = {contact.number: contact async for contact in stage.store.contacts(campaign)}
    attempts = [attempt async for attempt in stage.store.attempts(campaign)]
    return judge(placed, contacts, attempts, plan.retry_s)
