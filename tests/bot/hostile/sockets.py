"""Peers that say too much, nothing, or do not listen."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.phone.call import PhoneConfig
from bot.phone.identity import CallIdentity, new_sid
from bot.phone.run import place_calls
from bot.phone.steps import HangUp, Wait
from bot.telephony.admission import MAX_UNPROVEN, PROOF_DEADLINE_S
from tests.bot.observed import Observed
from tests.bot.process_facts import facts_of, happens

from .streams import HOSTILE_NUMBER, begin_call, upgrade

__all__ = ["Peers", "huge_message", "mute_connections", "silent_sockets", "slow_reader"]

DEADLINE_S = 20.0
HUGE_BYTES = 10_000_000
TOO_BIG = 1009  # RFC 6455, section 7.4.1
REFUSED = 1008
SLOW_RECEIVE_BYTES = 2048
# uvicorn pings each 20 s and waits 20 s for the answer; `next` is awaited for 10 s more.
SLOW_ENDS_S = 55.0
MUTE_ENDS_S = 25.0
POLL_S = 0.25
# The worker must have turned away what is too much so soon: long before its deadline does it.
CROWDED_OUT_S = PROOF_DEADLINE_S / 2


@dataclass(slots=True)
class Peers:
    """What came of such peers: figures to print, and what is wrong."""

    figures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def huge_message(worker: Observed) -> Peers:
    """10 MB in one message: refused by its head, never kept in memory."""
    result, before = Peers(), (await worker.facts())[0].rss_kb
    async with upgrade(worker.phone) as ws:
        try:
            await ws.send("x" * HUGE_BYTES)
            await ws.wait_closed()
        except ConnectionClosed:
            pass
        code = ws.close_code
    grown_kb = (await worker.facts())[0].rss_kb - before
    result.figures.append(f"10 MB message: closed with {code}, memory {grown_kb:+d} KB")
    if code != TOO_BIG:
        result.faults.append(f"10 MB message: closed with {code}, not {TOO_BIG}")
    if grown_kb > 2_000:
        result.faults.append(f"10 MB message: memory grew by {grown_kb} KB")
    return result


async def silent_sockets(
    worker: Observed, sockets: int, callers: int, *, patient: bool = True
) -> Peers:
    """Signed upgrades, as a replayed signature would give, that say nothing; others unsigned.

    No more of them may be held than may wait for their proof, and meanwhile genuine calls must come
    in at once. Whoever is not `patient` leaves then, and does not wait to be turned away.
    """
    result, answers, opened = Peers(), Counter[int | None](), Counter[str]()
    before = facts_of(worker.pid).handles["tcp"]

    async def silent(number: int) -> None:
        signature = None if number % 2 else ""
        try:
            async with upgrade(worker.phone, signature) as ws:
                opened["signed"] += 1
                await ws.wait_closed()
                answers[ws.close_code] += 1
        except InvalidStatus as error:
            answers[error.response.status_code] += 1

    async with asyncio.timeout(PROOF_DEADLINE_S + DEADLINE_S), asyncio.TaskGroup() as group:
        waiting = [group.create_task(silent(number)) for number in range(sockets)]
        unsigned = sockets - sockets // 2
        await happens(
            lambda: answers[403] >= unsigned and opened["signed"] >= sockets - unsigned, DEADLINE_S
        )
        held = await _held(worker.pid, before)
        calls = await place_calls(worker.phone, (Wait(1_000), HangUp()), callers)
        if not patient:
            for task in waiting:
                task.cancel()
    refused = sum(bool(call.faults) for call in calls)
    result.figures.append(
        f"{sockets} silent sockets: answered {dict(answers)}; {callers} calls meanwhile,"
        f" {refused} of them not let in at once"
    )
    result.figures[-1] += f"; {held} were held"
    if held > MAX_UNPROVEN:
        result.faults.append(f"{held} silent sockets were held, more than {MAX_UNPROVEN}")
    if refused:
        result.faults.append(f"silent sockets kept {refused} of {callers} calls out")
    due = {403: unsigned, REFUSED: sockets - unsigned if patient else answers[REFUSED]}
    if answers != Counter(due):
        result.faults.append(f"silent sockets were answered {dict(answers)}")
    return result


async def _held(pid: int, before: int) -> int:
    """How many sockets are held once those that are too many have been turned away."""

    def held() -> int:
        return facts_of(pid).handles["tcp"] - before

    await happens(lambda: held() <= MAX_UNPROVEN, CROWDED_OUT_S)
    return held()


async def mute_connections(worker: Observed, connections: int) -> Peers:
    """Connections on which no whole request comes: none is kept."""
    result, address = Peers(), urlsplit(worker.phone.public_url)
    before = facts_of(worker.pid).handles["tcp"]
    opened = [
        await asyncio.open_connection(address.hostname, address.port) for _ in range(connections)
    ]
    for _, writer in opened[::2]:
        writer.write(b"POST /twilio/voice HTTP/1.1\r\nX-Never: ")
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await happens(lambda: facts_of(worker.pid).handles["tcp"] <= before, MUTE_ENDS_S)
    left = facts_of(worker.pid).handles["tcp"] - before
    for _, writer in opened:
        writer.close()
    result.figures.append(
        f"{connections} mute connections: {left} left after {loop.time() - began_s:.0f} s"
    )
    if left > 0:
        result.faults.append(f"{left} of {connections} mute connections were kept")
    return result


async def slow_reader(worker: Observed) -> Peers:
    """A phone that stops reading while the bot speaks: the call ends, and takes no memory."""
    result, before = Peers(), (await worker.facts())[0]
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=worker.phone.public_url, trust_env=False)
        )
        who = CallIdentity(worker.phone.account_sid, "+15550100001", HOSTILE_NUMBER)
        opening = await begin_call(client, worker.phone, who, new_sid("MZ"))
        ws = await stack.enter_async_context(await _narrow(worker.phone))
        ws.transport.pause_reading()
        for message in opening:
            await ws.send(message)
        loop, most_kb = asyncio.get_running_loop(), 0
        began_s = loop.time()
        ended = False
        while not ended and loop.time() - began_s < SLOW_ENDS_S:
            await asyncio.sleep(POLL_S)
            most_kb = max(most_kb, facts_of(worker.pid).rss_kb - before.rss_kb)
            record = (await client.get(f"/api/calls/{who.call_sid}")).json()
            ended = record["ended"] is not None
        took_s = loop.time() - began_s
        ws.transport.abort()
    result.figures.append(
        f"slow reader: the call had ended after {took_s:.0f} s, memory at most +{most_kb} KB"
    )
    if not ended:
        result.faults.append(f"a peer that takes nothing was not given up within {SLOW_ENDS_S:g} s")
    if most_kb > 3_000:
        result.faults.append(f"a peer that takes nothing cost {most_kb} KB")
    return result


async def _narrow(phone: PhoneConfig) -> connect:
    """A connection that soon takes no more."""
    address = urlsplit(phone.public_url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_RECEIVE_BYTES)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (address.hostname, address.port))
    return upgrade(phone, sock=sock)
