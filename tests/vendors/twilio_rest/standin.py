"""One stand-in: an account, what was asked of it, what is odd about that, and its mischief.

It is an ASGI application. Beside Twilio's own paths it has `/standin`, with which a shell commands
it: `GET /standin/requests`, `GET /standin/complaints`, `GET /standin/ledger`, `POST
/standin/mischief` (JSON with the fields of `Mischief`), `POST /standin/numbers` (JSON: `number`),
`POST /standin/pace` (JSON: `per_second`, null for no limit; `list_lag_s`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from bot.phone.exchange import Exchange

from .account import Account
from .app import rest_app
from .dialling import Dialling
from .mischief import KINDS, Kind, Mischief, misbehave

__all__ = ["Seen", "TwilioRestStandIn", "read_body", "replay"]

MOST_SEEN = 100_000


@dataclass(slots=True)
class Seen:
    """A request, and what became of it; never its credentials.

    Attributes:
        at_s: when it came, on `time.monotonic`'s clock.
        form: the fields of its query, or of its body.
        peer: the client's address: one for each connection.
        status: of the answer; None when none was given.
        body: of the answer.
    """

    at_s: float
    method: str
    path: str
    form: list[tuple[str, str]]
    headers: dict[str, str]
    peer: tuple[str, int] | None
    status: int | None = None
    body: bytes = b""


class TwilioRestStandIn:
    """Twilio's REST API for one account.

    Args:
        account_sid: `AC` and 32 hexadecimal digits.
        auth_token: what Basic authentication has to hold with it.
        exchange: the simulated calls that it shows, redirects and hangs up; to be used in one event
            loop with them. None is a world without any.
        dialling: who dials the calls that are made here; None: they stay queued.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        exchange: Exchange | None = None,
        dialling: Dialling | None = None,
    ) -> None:
        self.account = Account(account_sid, auth_token, exchange or Exchange(), dialling)
        self.requests: list[Seen] = []
        self.complaints: list[str] = []
        self.closing = asyncio.Event()
        self._mischief: list[Mischief] = []
        self._app = rest_app(self.account, self.complaints.append)
        self._at_once = 0

    def misbehave(
        self,
        kind: Kind,
        *,
        times: int | None = 1,
        only: str = "",
        delay_s: float = 0.0,
        retry_after: str | None = None,
        chance: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Have requests go wrong (`bot`'s view of each kind is in `.mischief`)."""
        self._mischief.append(Mischief(kind, times, only, delay_s, retry_after, chance, seed))

    def behave(self) -> None:
        """No more mischief."""
        self._mischief.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(receive)
        if scope["path"].startswith("/standin/"):
            return await self._command(scope, body)(scope, receive, send)
        seen = _seen(scope, body)
        if len(self.requests) < MOST_SEEN:
            self.requests.append(seen)
        replayed = replay(body)
        self._at_once += 1
        noting = _noting(seen, send, self._at_once)
        try:
            for mischief in self._mischief:
                if mischief.takes(f"{seen.method} {seen.path}"):
                    return await misbehave(
                        mischief, self.closing, self._app, scope, replayed, noting, receive
                    )
            return await self._app(scope, replayed, noting)
        finally:
            self._at_once -= 1

    def _command(self, scope: Scope, body: bytes) -> JSONResponse:
        match scope["method"], scope["path"].removeprefix("/standin/"):
            case "GET", "requests":
                shown = [dataclasses.asdict(seen) for seen in self.requests]
                return JSONResponse([{**item, "body": item["body"].decode()} for item in shown])
            case "GET", "complaints":
                return JSONResponse(self.complaints)
            case "POST", "mischief":
                wanted = orjson.loads(body)
                if wanted.get("kind") not in KINDS:
                    return JSONResponse({"fault": f"kind may be one of {', '.join(KINDS)}"}, 400)
                self.misbehave(**wanted)
                return JSONResponse({})
            case "GET", "ledger":
                dialling = self.account.dialling
                return JSONResponse([] if dialling is None else dialling.ledger.as_json())
            case "POST", "pace":
                return self._pace(orjson.loads(body))
            case "POST", "numbers":
                return JSONResponse({"sid": self.account.own(orjson.loads(body)["number"]).sid})
        return JSONResponse({"fault": "no such command"}, 404)

    def _pace(self, wanted: Mapping[str, float | None]) -> JSONResponse:
        account = self.account
        if account.dialling is not None and "per_second" in wanted:
            account.dialling.per_second = wanted["per_second"]
        account.list_lag_s = wanted.get("list_lag_s") or account.list_lag_s
        return JSONResponse({})


def _seen(scope: Scope, body: bytes) -> Seen:
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    headers.pop("authorization", None)
    sent = body if scope["method"] == "POST" else scope["query_string"]
    return Seen(
        time.monotonic(),
        scope["method"],
        scope["path"],
        parse_qsl(sent.decode("utf-8", "replace"), keep_blank_values=True),
        headers,
        scope["client"],
    )


async def read_body(receive: Receive) -> bytes:
    """The body of a request."""
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def replay(body: bytes) -> Receive:
    """Give a body that was read to whoever reads it next; after it there is nobody any more."""
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _noting(seen: Seen, send: Send, at_once: int) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status = message["status"]
            message["headers"] = [
                *message["headers"],
                (b"twilio-concurrent-requests", str(at_once).encode()),
                (b"twilio-request-id", b"RQ" + secrets.token_hex(16).encode()),
            ]
        else:
            seen.body += message.get("body", b"")
        await send(message)

    return note
