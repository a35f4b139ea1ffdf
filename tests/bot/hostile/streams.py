"""Hostile streams: some that were let in and send what they should not, some that ask to be."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.phone.call import PhoneConfig
from bot.phone.identity import CallIdentity, new_sid
from bot.telephony.signature import SIGNATURE_HEADER, sign
from bot.telephony.token import TTL_S, derive_key, mint
from media.messages import MediaStreamError
from media.twilio import parse_command

from .messages import Fate, ending_message, hostile_message, start_message

__all__ = [
    "HOSTILE_NUMBER",
    "Admitted",
    "Refused",
    "admitted_stream",
    "begin_call",
    "refused_stream",
    "upgrade",
]

HOSTILE_NUMBER = "+15550100066"
"""Whom hostile calls call: a bot whose recognizer costs nothing."""
DEADLINE_S = 20.0
_CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


@dataclass(slots=True)
class Admitted:
    """A stream that was let in and misbehaved.

    Attributes:
        sent: how many messages of each fate.
        kept: how many the worker's own record accounts for; of the last one, `ending` tells.
        ending: the kind of its last message, and the code with which the worker closed.
        faults: what the worker did wrong.
    """

    sent: Counter[Fate] = field(default_factory=Counter)
    kept: Counter[Fate] = field(default_factory=Counter)
    ending: tuple[str, int | None] = ("", None)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """A stream that must not be let in: what for, and what it was answered.

    Attributes:
        aimed: whether it named the victim.
    """

    kind: str
    messages: int
    reason: str
    expected: int
    answered: int | None
    aimed: bool = False


async def admitted_stream(
    phone: PhoneConfig, messages: int, chance: Random, pause_s: float
) -> Admitted:
    """Make a call whose stream sends so many messages, each after a pause; the last ends it."""
    outcome = Admitted()
    who = CallIdentity(phone.account_sid, phone.from_number, HOSTILE_NUMBER)
    stream, sids = new_sid("MZ"), (who.account_sid, who.call_sid)
    async with httpx.AsyncClient(base_url=phone.public_url, trust_env=False) as client:
        opening = await begin_call(client, phone, who, stream)
        async with upgrade(phone) as ws:
            reading = asyncio.create_task(_read(ws, stream, outcome))
            for message in opening:
                await ws.send(message)
            for _ in range(messages - 1):
                hostile = hostile_message(chance, sids)
                outcome.sent[hostile.fate] += 1
                await ws.send(hostile.data)
                await asyncio.sleep(pause_s)
            last = ending_message(chance, sids)
            outcome.sent[last.fate] += 1
            await ws.send(last.data, text=True)
            async with asyncio.timeout(DEADLINE_S):
                await reading
            outcome.ending = last.kind, ws.close_code
        await _post(client, phone, "/twilio/status", who.progress("completed", 1))
        await _account(client, who.call_sid, outcome)
    return outcome


async def _read(ws: ClientConnection, stream: str, outcome: Admitted) -> None:
    """What the worker says meanwhile must be what Twilio takes."""
    try:
        while True:
            try:
                parse_command(await ws.recv(), stream)
            except MediaStreamError as error:
                outcome.faults.append(str(error))
    except ConnectionClosed:
        return


async def _account(client: httpx.AsyncClient, sid: str, outcome: Admitted) -> None:
    """What the record says once it is written to its end."""
    async with asyncio.timeout(DEADLINE_S):
        record: dict[str, object] = {}
        while record.get("ended") is None:
            await asyncio.sleep(0.05)
            record = (await client.get(f"/api/calls/{sid}")).json()
    counters, log = record["counters"], record["log"]
    assert isinstance(counters, dict)
    assert isinstance(log, list)
    kinds = Counter(entry["kind"] for entry in log)
    outcome.kept[Fate.ERROR] = counters["bad_messages"]
    outcome.kept[Fate.FRAME] = counters["frames_in"]
    outcome.kept[Fate.MARK] = kinds["mark"]
    outcome.kept[Fate.KEY] = kinds["key"]


async def refused_stream(phone: PhoneConfig, chance: Random, victim: str) -> Refused:
    """Ask to be let in, for a reason that is none. `victim` is the SID of a call in progress."""
    kind = chance.choice(list(_REFUSED))
    make, reason, expected = _REFUSED[kind]
    signature = None
    if kind == "wrong signature":
        signature = chance.choice((sign("another token", phone.public_url), "", "=" * 4_000))
    try:
        async with upgrade(phone, signature) as ws:
            messages = make(phone, chance, victim)
            for message in messages:
                await ws.send(message, text=True if isinstance(message, str) else None)
            if not messages:
                return Refused(kind, 1, reason, expected, expected)
            async with asyncio.timeout(DEADLINE_S):
                await ws.wait_closed()
            aimed = any(victim in message for message in messages if isinstance(message, str))
            return Refused(kind, len(messages), reason, expected, ws.close_code, aimed)
    except InvalidStatus as error:
        return Refused(kind, 1, reason, expected, error.response.status_code)


def _nothing(phone: PhoneConfig, chance: Random, victim: str) -> list[str | bytes]:
    return []


def _no_start(phone: PhoneConfig, chance: Random, victim: str) -> list[str | bytes]:
    """Something else than the beginning of a stream, perhaps after a good first message."""
    opening: list[str | bytes] = [_CONNECTED] if chance.random() < 0.5 else []
    message = hostile_message(chance, (new_sid("AC"), victim))
    while message.kind == "start again":
        message = hostile_message(chance, (new_sid("AC"), victim))
    return [*opening, message.data]


def _started(
    make: Callable[[PhoneConfig, Random, str], tuple[str, str]],
) -> Callable[[PhoneConfig, Random, str], list[str | bytes]]:
    """A good `start`, but for its token."""

    def messages(phone: PhoneConfig, chance: Random, victim: str) -> list[str | bytes]:
        call, token = make(phone, chance, victim)
        parameters = {"token": token} if token else {}
        start = start_message((phone.account_sid, call), new_sid("MZ"), parameters)
        return [_CONNECTED, orjson.dumps(start).decode()]

    return messages


def _malformed(phone: PhoneConfig, chance: Random, victim: str) -> tuple[str, str]:
    return victim, chance.choice(("", "x", "1." * 100, "é", _token(phone, ("a", "b"), 1) + "="))


def _forged(phone: PhoneConfig, chance: Random, victim: str) -> tuple[str, str]:
    return victim, _mint("another auth token", (phone.account_sid, victim), 99)


def _expired(phone: PhoneConfig, chance: Random, victim: str) -> tuple[str, str]:
    sids, long_ago = (phone.account_sid, victim), time.time() - TTL_S - 5
    return victim, _mint(phone.auth_token, sids, 99, long_ago)


def _foreign(phone: PhoneConfig, chance: Random, victim: str) -> tuple[str, str]:
    return victim, _token(phone, (phone.account_sid, new_sid("CA")), 99)


_REFUSED: dict[str, tuple[Callable[[PhoneConfig, Random, str], list[str | bytes]], str, int]] = {
    "wrong signature": (_nothing, "stream: signature", 403),
    "gone at once": (_nothing, "stream: disconnected", 1000),
    "no start": (_no_start, "stream: no start", 1008),
    "no token": (_started(_malformed), "stream: token malformed", 1008),
    "forged token": (_started(_forged), "stream: token forged", 1008),
    "expired token": (_started(_expired), "stream: token expired", 1008),
    "foreign token": (_started(_foreign), "stream: token foreign", 1008),
}


def _token(phone: PhoneConfig, sids: tuple[str, str], generation: int) -> str:
    return _mint(phone.auth_token, sids, generation)


def _mint(
    auth_token: str, sids: tuple[str, str], generation: int, now_s: float | None = None
) -> str:
    account, call = sids
    now_s = time.time() if now_s is None else now_s
    nonce = secrets.token_urlsafe(12)
    return mint(derive_key(auth_token), call, account, generation, now_s, nonce)


def upgrade(
    phone: PhoneConfig, signature: str | None = None, sock: socket.socket | None = None
) -> connect:
    """A WebSocket to the worker, signed as Twilio does unless a `signature` is given."""
    url = phone.public_url.replace("http", "ws", 1) + "/twilio/media"
    signature = sign(phone.auth_token, url) if signature is None else signature
    return connect(
        url,
        sock=sock,
        additional_headers={SIGNATURE_HEADER: signature},
        compression=None,
        proxy=None,
        ping_interval=None,
        close_timeout=1.0,
    )


async def begin_call(
    client: httpx.AsyncClient, phone: PhoneConfig, who: CallIdentity, stream: str
) -> tuple[str, str]:
    """Tell the worker of a call; the first two messages of its stream."""
    await _post(client, phone, "/twilio/voice", who.webhook("ringing"))
    sids = (who.account_sid, who.call_sid)
    start = start_message(sids, stream, {"token": _token(phone, sids, 1)})
    return _CONNECTED, orjson.dumps(start).decode()


async def _post(
    client: httpx.AsyncClient, phone: PhoneConfig, path: str, form: dict[str, str]
) -> None:
    headers = {SIGNATURE_HEADER: sign(phone.auth_token, phone.public_url + path, [*form.items()])}
    (await client.post(path, data=form, headers=headers)).raise_for_status()
