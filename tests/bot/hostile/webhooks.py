"""Hostile webhooks, each with the answer that it must get and where that is counted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlencode, urlsplit

from bot.phone.call import PhoneConfig
from bot.phone.identity import CallIdentity, new_sid
from bot.telephony.requests import MAX_BODY_BYTES, MAX_FIELDS, READ_DEADLINE_S
from bot.telephony.signature import SIGNATURE_HEADER, sign

from .streams import HOSTILE_NUMBER

__all__ = ["SLOW", "WEBHOOK_KINDS", "Webhook", "ask", "hostile_webhook"]

SLOW = "slow"
"""The kind that takes seconds: until the worker has waited for the rest for long enough."""

DEADLINE_S = 20.0
FORM = "application/x-www-form-urlencoded"
_PATHS = ("/twilio/voice", "/twilio/next", "/twilio/status", "/twilio/stream")
_Form = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request, written to a socket as it stands.

    Attributes:
        pieces: what is written, one after another, with `pause_s` between them.
        expected: the status that must come.
        counted: whether it is in `parley_calls_refused{reason="webhook: <status>"}`.
        stays: false for one that goes before its answer, which then cannot come.
    """

    kind: str
    pieces: tuple[bytes, ...] = field(repr=False)
    expected: int
    counted: bool = False
    pause_s: float = 0.0
    stays: bool = True


def hostile_webhook(
    phone: PhoneConfig, chance: Random, victim: str, kinds: Sequence[str]
) -> Webhook:
    """A request of one of these kinds. `victim` is the SID of a call in progress."""
    kind = chance.choice(kinds)
    return _MAKERS[kind](kind, phone, chance, victim)


async def ask(phone: PhoneConfig, webhook: Webhook) -> int:
    """The status that the worker answers; 0 when it does not, or was not waited for."""
    address = urlsplit(phone.public_url)
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        answering = asyncio.create_task(reader.readline())
        try:
            for piece in webhook.pieces:
                writer.write(piece)
                if answering.done():
                    break  # whoever goes on writing may lose the answer
                await asyncio.sleep(webhook.pause_s)
            words = (await answering).split() if webhook.stays else []
        except ConnectionError:
            words = []
        finally:
            answering.cancel()
            writer.close()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def _head(
    method: str, target: str, headers: dict[str, str], body: bytes = b"", length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    lines = {"Host": "worker", "Connection": "close", "Content-Type": FORM, **headers}
    if "Transfer-Encoding" not in lines:
        lines["Content-Length"] = str(size)
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1") + body


def _form(chance: Random, **changes: str) -> _Form:
    who = CallIdentity("AC" + "6" * 32, "+15550100001", HOSTILE_NUMBER)
    return list({**who.webhook("in-progress"), **changes}.items())


def _signed(phone: PhoneConfig, target: str, form: _Form) -> dict[str, str]:
    return {SIGNATURE_HEADER: sign(phone.auth_token, phone.public_url + target, form)}


def _post(phone: PhoneConfig, target: str, form: _Form, **headers: str) -> bytes:
    """A signed request."""
    body = urlencode(form).encode()
    return _head("POST", target, {**_signed(phone, target, form), **headers}, body)


def _unsigned(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    form = _form(chance, CallSid=victim)
    wrong = chance.choice(("", "x", "é" * 50, "=" * 4_000, sign("another", phone.public_url, form)))
    headers = chance.choice(({}, {SIGNATURE_HEADER: wrong}))
    body = urlencode(form).encode()
    return Webhook(kind, (_head("POST", chance.choice(_PATHS), headers, body),), 403, True)


def _killing(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    """Tells that a call in progress is over, without being Twilio."""
    status = chance.choice(("completed", "failed", "busy", "no-answer", "canceled"))
    form = _form(chance, CallSid=victim, CallStatus=status)
    target = chance.choice(("/twilio/status", "/twilio/next"))
    signature = sign(phone.auth_token, phone.public_url + target, form[:-1])
    headers = {SIGNATURE_HEADER: signature}
    return Webhook(kind, (_head("POST", target, headers, urlencode(form).encode()),), 403, True)


def _method(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    method = chance.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"))
    return Webhook(kind, (_head(method, chance.choice(_PATHS), {}),), 405)


def _path(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    path = chance.choice(
        (
            "/",
            "/twilio",
            "/twilio/voice%00",
            "/twilio/..;/status",
            "//twilio//voice",
            "/twilio/media",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/" + "a" * 8_000,
        )
    )
    return Webhook(kind, (_post(phone, path, _form(chance)),), 404)


def _other_type(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    other = chance.choice(("application/json", "", "text/xml", "multipart/form-data; boundary=x"))
    form = _form(chance)
    target = chance.choice(_PATHS)
    return Webhook(kind, (_post(phone, target, form, **{"Content-Type": other}),), 415, True)


def _no_sid(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    sid = chance.choice(("", "CA 1", "CA/../x", "C" * 65, "CA\x00", "é", "*", "CA:log"))
    form = _form(chance, **{chance.choice(("CallSid", "AccountSid")): sid})
    return Webhook(kind, (_post(phone, chance.choice(_PATHS), form),), 400, True)


def _too_many(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    form = _form(chance) + [(f"x{n}", "") for n in range(MAX_FIELDS)]
    return Webhook(kind, (_post(phone, chance.choice(_PATHS), form),), 400, True)


def _too_large(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    form = [*_form(chance), ("Blob", "x" * (MAX_BODY_BYTES + chance.randrange(100_000)))]
    return Webhook(kind, (_post(phone, chance.choice(_PATHS), form),), 413, True)


def _no_form(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    body = chance.choice((b"\xff\xfe", b"CallSid=%ff%fe", "CallSid=é".encode(), b"a=%ed%a0%80"))
    return Webhook(kind, (_head("POST", chance.choice(_PATHS), {}, body),), 400, True)


def _cut(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    whole = _post(phone, chance.choice(_PATHS), _form(chance))
    return Webhook(kind, (whole[: -chance.randrange(1, 100)],), 400, True, stays=False)


def _slow(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    whole = _post(phone, chance.choice(_PATHS), _form(chance))
    pause_s = 0.5
    pieces = [whole[:-40], *(bytes([byte]) for byte in whole[-40:])]
    pieces = pieces[: round((READ_DEADLINE_S + 1) / pause_s)]
    return Webhook(kind, tuple(pieces), 408, True, pause_s)


def _chunked(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    target, form = "/twilio/stream", _form(chance)
    body = urlencode(form).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    headers = {**_signed(phone, target, form), "Transfer-Encoding": "chunked"}
    return Webhook(kind, (_head("POST", target, headers, chunks),), 200)


def _bad_chunk(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    headers = {"Transfer-Encoding": "chunked"}
    wrong = chance.choice((b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffffff\r\n"))
    return Webhook(kind, (_head("POST", "/twilio/voice", headers, wrong),), 400, True)


def _no_http(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    lines = (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 50 + b"\r\n\r\n")
    long = b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"
    twice = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
    return Webhook(kind, (chance.choice((*lines, long, twice)),), 400)


def _nonsense(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    """Signed, and of a call that nobody knows, with fields that mean nothing."""
    odd = chance.choice(("", "odd", "\x00", "é" * 200, "-1", "in-progress", "completed", "RINGING"))
    changes = {chance.choice(("CallStatus", "DialCallStatus", "Direction", "From", "To")): odd}
    counter = chance.choice(("9" * 500, "-1", "٣", "1e9", "%00", "", "99", "3&hop=2&wait=1"))
    target = chance.choice(_PATHS) + chance.choice(("", f"?hop={counter}", f"?wait={counter}"))
    target = target.replace("٣", "%D9%A3")
    form = _form(chance, **changes)
    if chance.random() < 0.3:
        form += [(name, new_sid("CA")) for name, _ in form]
    return Webhook(kind, (_post(phone, target, form),), 200)


def _doubled(kind: str, phone: PhoneConfig, chance: Random, victim: str) -> Webhook:
    """Two of one idempotency token: on one connection, and the first one's answer is looked at."""
    token = chance.choice((secrets.token_hex(16), "x" * 128, "x" * 5_000, "é", " ", "\t"))
    request = _post(
        phone, "/twilio/next", _form(chance), **{"I-Twilio-Idempotency-Token": token}
    ).replace(b"Connection: close", b"Connection: keep-alive")
    return Webhook(kind, (request, request), 200)


_MAKERS: dict[str, Callable[[str, PhoneConfig, Random, str], Webhook]] = {
    "unsigned": _unsigned,
    "a call's end by a stranger": _killing,
    "wrong method": _method,
    "no such path": _path,
    "other type": _other_type,
    "no SID": _no_sid,
    "too many fields": _too_many,
    "too large": _too_large,
    "no form": _no_form,
    "cut off": _cut,
    SLOW: _slow,
    "in tiny chunks": _chunked,
    "wrong chunks": _bad_chunk,
    "no HTTP": _no_http,
    "signed nonsense": _nonsense,
    "one token twice": _doubled,
}

WEBHOOK_KINDS = tuple(_MAKERS)
