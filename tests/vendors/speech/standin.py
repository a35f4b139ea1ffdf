"""One stand-in: its port, who may come in, which fault meets whom, and what they all sent."""

from __future__ import annotations

import asyncio
import http
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send
from websockets import Headers, Request, Response
from websockets.asyncio.server import ServerConnection

from .caller import Caller, Status
from .doors import CallDoor, Door, HttpDoor, SocketDoor, find
from .exchange import Exchange
from .faults import Fault
from .front import Front, reset
from .http2 import Http2, RawCall
from .peer import Gone, Peer
from .record import Key, Record
from .refusal import Answer, Refusal
from .register import Register
from .strike import refusal_of

__all__ = ["Engine", "StandIn"]

AT_ONCE = ("denied", "busy", "limited", "quota")

_StandIn = TypeVar("_StandIn", bound="StandIn")


class Engine(Protocol):
    """What a stand-in starts with and ends with: `Hearing`s and `Voice`s are."""

    async def start(self) -> None:
        """Load what it needs."""

    async def aclose(self) -> None:
        """Give up what it holds."""


class StandIn(Register, ABC):
    """A vendor, for one key; an async context manager that serves on loopback.

    A vendor's own defines `doors`, `shown_key` and `refusal_answer`, and what else it does in its
    own way.

    Args:
        api_key: what clients have to show.
        engines: to be started with it.
        faults: by service, what happens to its connections and requests, one each (`.faults`).
        send_s: how long a client may take to read what it is sent.
        port: to listen on; 0 is any.
        keep: whether every frame and body is kept.

    Attributes:
        api_key: see above.
        records: by service, who came, in their order; each service that a door names.
    """

    def __init__(
        self,
        *,
        api_key: str,
        engines: Sequence[Engine],
        faults: Mapping[str, Iterable[Fault]] | None = None,
        send_s: float = 20.0,
        port: int = 0,
        keep: bool = True,
    ) -> None:
        super().__init__(faults or {})
        self.api_key = api_key
        self._engines = engines
        self._send_s = send_s
        self._keep = keep
        self._started = AsyncExitStack()
        self._front = Front(
            self._admit,
            self._attend,
            self._answer,
            self._take,
            select_subprotocol=self.select_subprotocol,
            port=port,
        )
        self._admitted: WeakKeyDictionary[ServerConnection, tuple[SocketDoor, Record]]
        self._admitted = WeakKeyDictionary()
        self._callers: WeakKeyDictionary[Http2, dict[str, Caller]] = WeakKeyDictionary()
        self._broken: list[Exception] = []

    @abstractmethod
    def doors(self) -> Sequence[Door]:
        """What it serves where."""

    @abstractmethod
    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        """What key a client shows, in its headers (names in lower case) or elsewhere."""

    @abstractmethod
    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        """How the vendor says so by HTTP; `service` is empty where there is nothing."""

    def refusal_status(self, refusal: Refusal) -> Status:
        """How the vendor ends a call for that; here UNKNOWN."""
        return Status(2, str(refusal))

    def admit(self, record: Record) -> None:
        """See whether a client may come in; by default with the right key.

        Raises:
            Refusal: it may not.
        """
        if record.key != "right":
            raise Refusal(401, None, "Unauthorized")

    def select_subprotocol(self, offered: Sequence[str]) -> str | None:
        """Which subprotocol is spoken, of those that a WebSocket's client offers; here none."""
        return None

    def opened(self, frame: str | bytes) -> str | bytes:
        """A client's frame without what the protocol puts around it; by default there is nothing.

        What is another each time, such as ids and times, is to be left out.
        """
        return frame

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._front.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self._front.port}"

    async def __aenter__(self: _StandIn) -> _StandIn:
        async with AsyncExitStack() as started:
            for engine in self._engines:
                started.push_async_callback(engine.aclose)
                await engine.start()
            await self.listen()
            self._started = started.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._front.aclose()
        await self._started.aclose()
        if self._broken and error is None:
            raise ExceptionGroup("the stand-in failed", self._broken)

    async def listen(self) -> None:
        """Take connections, after `stop_listening` on the same port."""
        await self._front.listen()

    def stop_listening(self) -> None:
        """Have the kernel refuse new connections; those that are open go on."""
        self._front.stop_listening()

    async def vanish(self) -> None:
        """Be gone, with every connection, until `listen`."""
        await self._front.vanish()

    async def _record(
        self, door: Door, params: dict[str, str], target: str, headers: Mapping[str, str]
    ) -> Record:
        split = urlsplit(target)
        record = Record(
            door.service,
            "GET" if isinstance(door, SocketDoor) else door.method,
            split.path,
            headers,
            query=parse_qs(split.query, keep_blank_values=True),
            params=params,
            keep=self._keep,
        )
        if not isinstance(door, HttpDoor):
            record.opened = self.opened
        record.key = self.shown_key(headers, record)
        await self.came(record)
        return record

    def _check(self, record: Record) -> None:
        if record.fault is not None and record.fault.kind in AT_ONCE:
            raise refusal_of(record.fault)
        self.admit(record)

    def _worded(self, refusal: Refusal, service: str) -> Answer:
        answer = self.refusal_answer(refusal, service)
        if refusal.retry_after_s is None:
            return answer
        headers = {"retry-after": str(math.ceil(refusal.retry_after_s)), **answer.headers}
        return Answer(answer.status, answer.body, answer.content_type, headers)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            return await self._handshake(connection, request)
        except Exception as broken:
            # The library would log it, and no test would know.
            self._broken.append(broken)
            return _response(Answer(500))

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        found = find(self.doors(), SocketDoor, "GET", request.path)
        if found is None:
            return _response(self._worded(Refusal(404, None, "Not Found"), ""))
        door, params = found
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        record = await self._record(door, params, request.path, headers)
        refused = self._refused(connection, record)
        if refused is None:
            self._admitted[connection] = door, record
        else:
            record.status = refused.status_code
            await self.over(record)
        return refused

    def _refused(self, connection: ServerConnection, record: Record) -> Response | None:
        if record.fault is not None and record.fault.kind == "refuse":
            reset(connection.transport)
            return _response(Answer(503))  # nobody reads it
        try:
            self._check(record)
        except Refusal as refusal:
            return _response(self._worded(refusal, record.service))
        return None

    async def _attend(self, connection: ServerConnection) -> None:
        door, record = self._admitted[connection]
        self.began(record)
        try:
            async with asyncio.TaskGroup() as tasks:
                await door.serve(Peer(connection, record, tasks, send_s=self._send_s))
        except* Gone:
            pass
        except* Exception as broken:
            self._broken.extend(broken.exceptions)
        finally:
            await self.over(record)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._request(HttpRequest(scope, receive), send)
        except Gone:
            pass
        except Exception as broken:
            self._broken.append(broken)
            reset(scope["state"]["transport"])

    async def _request(self, request: HttpRequest, send: Send) -> None:
        found = find(self.doors(), HttpDoor, request.method, request.url.path)
        if found is None:
            unknown = Record("", request.method, request.url.path)
            nowhere = Exchange(request, send, unknown, send_s=self._send_s)
            await nowhere.answer(self._worded(Refusal(404, None, "Not Found"), ""))
            return
        door, params = found
        target = f"{request.url.path}?{request.url.query}"
        record = await self._record(door, params, target, dict(request.headers))
        self.began(record)
        try:
            await self._exchange(door, Exchange(request, send, record, send_s=self._send_s))
        finally:
            await self.over(record)

    async def _exchange(self, door: HttpDoor, exchange: Exchange) -> None:
        try:
            await exchange.read()
            self._check(exchange.record)
            await exchange.while_here(door.answer(exchange))
        except Refusal as refusal:
            await exchange.answer(self._worded(refusal, exchange.record.service))

    async def _take(self, call: RawCall) -> None:
        try:
            await self._called(call)
        except Exception as broken:
            self._broken.append(broken)
            reset(call.connection.transport)

    async def _called(self, call: RawCall) -> None:
        found = find(self.doors(), CallDoor, "POST", call.path)
        if found is None:
            call.end(12, "Method not found.")
            return
        door, params = found
        callers = self._callers.setdefault(call.connection, {})
        if door.path in callers and callers[door.path].idle:
            callers[door.path].calls(call)
            await call.done.wait()
            return
        record = await self._record(door, params, call.path, call.headers)
        self.began(record)
        try:
            async with asyncio.TaskGroup() as tasks:
                callers[door.path] = Caller(call, record, tasks, send_s=self._send_s)
                await self._attend_caller(door, callers[door.path])
        except* Gone:
            pass
        finally:
            await self.over(record)

    async def _attend_caller(self, door: CallDoor, caller: Caller) -> None:
        if caller.record.fault is not None and caller.record.fault.kind == "refuse":
            caller.abort()
            raise Gone
        try:
            self._check(caller.record)
            await door.serve(caller)
            await caller.end()
        except Refusal as refusal:
            await caller.drain()
            await caller.end(self.refusal_status(refusal))
        finally:
            caller.stop()


def _response(answer: Answer) -> Response:
    status = http.HTTPStatus(answer.status)
    headers = Headers(answer.headers)
    headers["Content-Type"] = answer.content_type
    headers["Content-Length"] = str(len(answer.body))
    headers["Connection"] = "close"
    return Response(status.value, status.phrase, headers, answer.body)
