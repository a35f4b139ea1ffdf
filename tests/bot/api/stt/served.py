"""The doors of the service on a real socket, with a recognizer that does as a test says."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.api.stt.access import Principal, SttAccess
from bot.api.stt.asked import SessionRequest
from bot.api.stt.asr_door import AsrDoor
from bot.api.stt.faults import Fault
from bot.api.stt.recognizers import Recognizers
from bot.api.stt.sessions import Sessions
from bot.api.stt.settings import SttServiceSettings
from bot.api.stt.store import SttStore
from bot.api.stt.stream_door import StreamDoor
from bot.api.stt.tally import Tally
from bot.inbox import Inbox
from bot.leases import Leases
from bot.metrics import Metrics
from bot.server import Server
from bot.store_keys import Keys
from media.audio import PCM16_16K
from providers.ears import Ears
from providers.fallback import Fallback
from providers.types import SttProvider
from tests.background import running, until
from tests.bot.engines import Level, Recognizer

__all__ = ["ANYBODY", "LOUD", "QUIET", "Client", "Gate", "Service"]
__all__ += ["service_of", "serving"]

ANYBODY = Principal("somebody")
SECOND = PCM16_16K.byte_count(1_000)
LOUD = b"\x00\x40" * (SECOND // 2)
"""A second of what `Level` takes for speech."""
QUIET = bytes(SECOND)
"""A second of silence."""
NOWHERE = "redis://127.0.0.1:1"


@dataclass
class Gate:
    """Lets everybody in, unless it is told otherwise.

    Attributes:
        refusal: raised to whoever comes.
        open: the sessions that are open.
        used_ms: how much audio each had.
        end: why everybody's sessions have to end.
    """

    refusal: Fault | None = None
    open: list[str] = field(default_factory=list)
    used_ms: dict[str, float] = field(default_factory=dict)
    end: Fault | None = None

    async def admit(self, connection: HTTPConnection, scope: str) -> Principal:
        if self.refusal is not None:
            raise self.refusal
        key = connection.headers.get("x-api-key", ANYBODY.key_id)
        return Principal(key)

    def subprotocol(self, connection: HTTPConnection) -> str | None:
        offered = connection.headers.get("sec-websocket-protocol", "")
        return "parley.stt.v1" if "parley.stt.v1" in offered else None

    async def open_session(self, principal: Principal, session_id: str) -> None:
        if session_id not in self.open:
            self.open.append(session_id)

    def used(self, principal: Principal, session_id: str, audio_ms: float) -> None:
        self.used_ms[session_id] = audio_ms

    async def close_session(self, principal: Principal, session_id: str) -> None:
        if session_id in self.open:
            self.open.remove(session_id)

    def why_end(self, principal: Principal) -> Fault | None:
        return self.end


@dataclass
class Desk:
    """Gives everybody the same recognizers, or none."""

    stt: Fallback[SttProvider]

    def of(
        self, request: SessionRequest, taken: Mapping[str, int] | None = None
    ) -> Fallback[SttProvider]:
        understood = [
            tag for one in self.stt.candidates for tag in one.provider.capabilities.languages
        ]
        if request.language not in understood:
            raise Fault("unsupported_language", "nobody understands it", allowed=understood)
        return self.stt


class Client:
    """A client of `/stt/stream`."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    async def send(self, *audio: bytes) -> None:
        for piece in audio:
            await self.websocket.send(piece)

    async def say(self, kind: str, **values: Any) -> None:
        await self.websocket.send(orjson.dumps({"type": kind, **values}).decode())

    async def hear(self, kind: str | None = None) -> dict[str, Any]:
        """The next message, of that type when one is named."""
        async with asyncio.timeout(10):
            while True:
                message: dict[str, Any] = orjson.loads(await self.websocket.recv())
                if kind in (None, message["type"]):
                    return message

    async def closed(self) -> tuple[int, str]:
        """How it was closed."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(20):
                async for _ in self.websocket:
                    pass
        assert self.websocket.close_code is not None
        return self.websocket.close_code, self.websocket.close_reason or ""


class Service:
    """A worker's part of the service.

    Attributes:
        engine: the recognizer.
        gate: who may, if that is not decided as in a worker.
        sessions: of the worker.
        leases: of all workers.
        port: where it is served.
        calls: how many calls each recognizer has.
    """

    def __init__(
        self,
        engine: Recognizer,
        store: SttStore,
        inbox: Inbox,
        settings: SttServiceSettings,
        prefix: str,
        access: SttAccess | None = None,
        recognizers: Recognizers | None = None,
    ) -> None:
        self.engine = engine
        self.gate = Gate()
        who: Any = access or self.gate
        self.store = store
        self.inbox = inbox
        self.leases = Leases(store.link, Keys(prefix), 60)
        self.settings = settings
        self.ears = Ears(Level())
        stt: Fallback[SttProvider] = Fallback.alone(engine)
        desk: Any = recognizers or Desk(stt)
        self.calls: Counter[str] = Counter()
        self.sessions = Sessions(
            settings,
            recognizers=desk,
            ears=self.ears,
            store=store,
            access=who,
            inbox=inbox,
            tally=Tally(Metrics()),
            calls=lambda: self.calls,
        )
        door = StreamDoor(self.sessions, who, settings, SessionRequest())
        asr = AsrDoor(self.sessions, who, settings)
        self.app = Starlette(routes=[*door.routes, *asr.routes])
        self.port = 0

    @asynccontextmanager
    async def client(
        self, query: str = "", *, path: str = "/stt/stream", **options: Any
    ) -> AsyncIterator[Client]:
        url = f"ws://127.0.0.1:{self.port}{path}?{query}"
        async with connect(url, compression=None, proxy=None, **options) as websocket:
            yield Client(websocket)

    async def die(self) -> None:
        """Say that the worker is not alive any more."""
        await self.leases.leave(self.store.worker)

    async def settled(self) -> None:
        """Wait until no session is being left any more."""
        await until(lambda: not self.sessions.active)


@asynccontextmanager
async def service_of(
    engine: Recognizer | None = None,
    *,
    redis_url: str = NOWHERE,
    prefix: str = "test:",
    worker: str = "a",
    access: SttAccess | None = None,
    recognizers: Recognizers | None = None,
    **limits: Any,
) -> AsyncIterator[Service]:
    """A worker's part of the service; without a Redis as when Redis is away, and without `access`
    open to everybody."""
    settings = SttServiceSettings(**limits)
    store = SttStore(
        redis_url,
        worker,
        prefix=prefix,
        idle_s=settings.stt_idle_s,
        on_superseded=lambda *lost: one.sessions.superseded(*lost),
        # A Redis that answers may take its time on a busy machine.
        deadline_s=10,
    )
    inbox = Inbox(redis_url, worker, prefix=prefix, metrics=Metrics())
    one: Service = Service(
        engine or Recognizer(), store, inbox, settings, prefix, access, recognizers
    )
    works = [one.sessions.run(), store.run()]
    if redis_url != NOWHERE:
        await one.leases.renew(worker, {"host": "here"}, {})
        works.append(inbox.run(one.sessions.command, one.sessions.wake))
    try:
        async with AsyncExitStack() as stack:
            for work in works:
                await stack.enter_async_context(running(work))
            yield one
            await one.sessions.drain()
    finally:
        one.ears.close()
        await inbox.aclose()
        await store.aclose()


@asynccontextmanager
async def serving(engine: Recognizer | None = None, **options: Any) -> AsyncIterator[Service]:
    """Serve the doors of one; the options are those of `service_of`."""
    async with service_of(engine, **options) as one:
        server = Server(one.app, lambda: None)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # As uvloop does for each connection, and asyncio for those of no such listener.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await server.startup([listener])
            one.port = listener.getsockname()[1]
            try:
                yield one
            finally:
                await one.sessions.drain()
                server.servers[0].close()
                for connection in list(server.server_state.connections):
                    connection.transport.abort()
                await asyncio.gather(*server.server_state.tasks)
