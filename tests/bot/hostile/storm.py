"""A storm of hostile messages and webhooks, and the account of what became of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from bot.phone.call import PhoneConfig
from tests.bot.observed import Observed
from tests.bot.process_facts import counted, total

from .messages import CLOSE_CODES, Fate
from .streams import HOSTILE_NUMBER, admitted_stream, refused_stream
from .webhooks import SLOW, WEBHOOK_KINDS, Webhook, ask, hostile_webhook

__all__ = ["Storm", "storm"]

PER_STREAM = 250
"""Messages of one admitted stream."""
REFUSED_SHARE = 25
"""One of so many messages is for a stream that is not let in."""
STREAMS, KNOCKERS, CLIENTS = 4, 2, 8
"""How many of each are at it at the same time."""
VICTIM_S = 0.5
SETTLE_TRIES, SETTLE_PAUSE_S = 40, 0.25
_MOST_FAULTS = 20


@dataclass(slots=True)
class Storm:
    """What was sent, what it was answered or counted as, and what does not fit.

    Attributes:
        messages: of streams, by fate, or by the reason for which their stream was refused.
        webhooks: by the status that was answered.
        refusals: what must be in `parley_calls_refused`.
        aimed: streams and webhooks that named a genuine call which was in progress.
    """

    messages: Counter[str] = field(default_factory=Counter)
    webhooks: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    endings: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    aimed: int = 0
    faults: list[str] = field(default_factory=list)

    def fault(self, fault: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)


async def storm(
    worker: Observed,
    messages: int,
    webhooks: int,
    *,
    seed: int,
    seconds: float,
    kinds: Sequence[str] = WEBHOOK_KINDS,
) -> Storm:
    """Send so many of each, spread over `seconds`, and account for them. `kinds`: of webhooks."""
    result = Storm()
    async with httpx.AsyncClient(base_url=worker.phone.public_url, trust_env=False) as client:
        before = await counted(client)
        attack = _Attack(worker.phone, result, Random(seed), seconds)
        # Without its watch the attack would go on, and miss every call: it ends with it.
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(attack.watch(client))
            await attack.run(messages, webhooks, kinds)
            watching.cancel()
        result.faults += await _settled(client, before, result)
    return result


async def _settled(client: httpx.AsyncClient, before: Counter[Any], result: Storm) -> list[str]:
    """What the metrics still do not account for when the worker has had time to count."""
    wrong = ["nothing was counted"]
    for _ in range(SETTLE_TRIES):
        if not (wrong := _differences(result, await _gained(client, before))):
            break
        await asyncio.sleep(SETTLE_PAUSE_S)
    return wrong


async def _gained(client: httpx.AsyncClient, before: Counter[Any]) -> Counter[Any]:
    after = await counted(client)
    after.subtract(before)
    return after


def _differences(result: Storm, gained: Counter[Any]) -> list[str]:
    """Where the worker's metrics do not say what was sent."""
    wrong = []
    errors = total(gained, "parley_protocol_errors_total")
    if errors != result.messages[Fate.ERROR.value]:
        wrong.append(f"{errors} protocol errors counted: {result.messages[Fate.ERROR.value]} sent")
    counts = {
        dict(labels)["reason"]: count
        for (name, labels), count in gained.items()
        if name == "parley_calls_refused_total" and count
    }
    for reason in counts.keys() | result.refusals.keys():
        if counts.get(reason, 0) != result.refusals[reason]:
            were = f"{result.refusals[reason]} were"
            wrong.append(f"{counts.get(reason, 0)} refusals for {reason!r} counted: {were} due")
    return wrong


class _Attack:
    def __init__(self, phone: PhoneConfig, result: Storm, chance: Random, seconds: float) -> None:
        self._phone = phone
        self._result = result
        self._chance = chance
        self._seconds = seconds
        self._victim = "CA" + "0" * 32
        self._live = False

    async def watch(self, client: httpx.AsyncClient) -> None:
        """Keep the SID of a call in progress at hand."""
        while True:
            listed = (await client.get("/api/calls", params={"limit": "30"})).json()["calls"]
            genuine = [call for call in listed if call["to_number"] != HOSTILE_NUMBER]
            live = [call["sid"] for call in genuine if call["status"] == "in-progress"]
            self._live = bool(live)
            self._victim = self._chance.choice(live or [self._victim])
            await asyncio.sleep(VICTIM_S)

    async def run(self, messages: int, webhooks: int, kinds: Sequence[str]) -> None:
        refused = messages // REFUSED_SHARE
        pause_s = self._seconds * STREAMS / max(1, messages - refused)
        async with asyncio.TaskGroup() as group:
            for share in _shares(messages - refused, STREAMS):
                group.create_task(self._streams(share, pause_s))
            for share in _shares(refused, KNOCKERS):
                group.create_task(self._knocks(share))
            for share in _shares(webhooks, CLIENTS):
                group.create_task(self._webhooks(share, kinds, group))

    async def _streams(self, budget: int, pause_s: float) -> None:
        while budget > 0:
            size = min(budget, PER_STREAM)
            budget -= size
            chance = Random(self._chance.getrandbits(32))
            outcome = await admitted_stream(self._phone, size, chance, pause_s)
            for fate, sent in outcome.sent.items():
                self._result.messages[fate.value] += sent
                if fate is not Fate.END and outcome.kept[fate] != sent:
                    kept = f"{sent} sent, {outcome.kept[fate]} accounted for"
                    self._result.fault(f"{fate.value}: {kept}")
            self._result.endings[outcome.ending] += 1
            kind, code = outcome.ending
            if code != CLOSE_CODES[kind]:
                closed = f"closed with {code}, not {CLOSE_CODES[kind]}"
                self._result.fault(f"stream ended by {kind}: {closed}")
            for fault in outcome.faults:
                self._result.fault(f"the worker sent what Twilio would refuse: {fault}")

    async def _knocks(self, budget: int) -> None:
        pause_s = self._seconds / max(1, budget)
        while budget > 0:
            live = self._live
            refused = await refused_stream(self._phone, self._chance, self._victim)
            self._result.aimed += live and refused.aimed
            budget -= refused.messages
            self._result.messages[refused.reason] += refused.messages
            self._result.refusals[refused.reason] += 1
            if refused.answered != refused.expected:
                wrong = f"{refused.kind}: {refused.answered}, not {refused.expected}"
                self._result.fault(f"stream with {wrong}")
            await asyncio.sleep(pause_s)

    async def _webhooks(self, budget: int, kinds: Sequence[str], group: asyncio.TaskGroup) -> None:
        pause_s = self._seconds / max(1, budget)
        for _ in range(budget):
            webhook = hostile_webhook(self._phone, self._chance, self._victim, kinds)
            self._result.aimed += self._live and self._victim.encode() in b"".join(webhook.pieces)
            if webhook.kind == SLOW:
                group.create_task(self._webhook(webhook))  # the others need not wait for it
            else:
                await self._webhook(webhook)
            await asyncio.sleep(pause_s)

    async def _webhook(self, webhook: Webhook) -> None:
        try:
            answered = await ask(self._phone, webhook)
        except TimeoutError:
            answered = 0
        self._result.webhooks[answered] += 1
        if webhook.counted:
            self._result.refusals[f"webhook: {webhook.expected}"] += 1
        if answered != (webhook.expected if webhook.stays else 0):
            self._result.fault(f"webhook, {webhook.kind}: {answered}, not {webhook.expected}")


def _shares(budget: int, parts: int) -> list[int]:
    """`budget` in so many parts."""
    return [budget // parts + (part < budget % parts) for part in range(parts)]
