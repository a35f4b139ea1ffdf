"""One stand-in: its socket, who may come in, which fault meets whom, and what they all sent."""

from __future__ import annotations

import asyncio
import http
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from websockets import Request, Response, Subprotocol
from websockets.asyncio.server import Server, ServerConnection, serve

from tests.serving import accepted, refuse_connections

from .faults import Fault
from .hearing import Hearing
from .keys import KEY_PROTOCOL, Keys
from .limits import Limits
from .peer import Gone, Peer, reset
from .record import Record, Service
from .refusal import Json, Refusal
from .stt import SttStream
from .tts import TtsConnection
from .voices import ToneVoice, Voice

__all__ = ["STT_PATH", "TTS_PATH", "SonioxStandIn"]

STT_PATH, TTS_PATH = "/transcribe-websocket", "/tts-websocket"
CLOSE_S = 5.0
MINUTE_S = 60.0


class SonioxStandIn:
    """Soniox for one key; an async context manager that serves on loopback.

    Args:
        hearing: gives each STT stream its recognizer: `OracleHearing` or `SphinxHearing`.
        api_key: what clients have to show.
        limits: how long it waits, and how much it takes.
        wrong_key: how a wrong key is answered: by HTTP 401, or by an error message after the first
            one of the client, without which its own SDK would not see it.
        config_key: whether a key in an STT config will do, as it will until 15 January 2027.
        stt_faults: what happens to the STT connections, one each (see `.faults`).
        tts_faults: likewise.
        voice: who speaks; None is `ToneVoice`.
        pace: how many times as fast as it is spoken audio is made; None is at once.
        port: to listen on; 0 is any.
        keep: whether every frame is kept.

    Attributes:
        hearing: see above.
        stt: the STT connections, in the order of their handshakes.
        tts: likewise.
    """

    def __init__(
        self,
        hearing: Hearing,
        *,
        api_key: str = "stand-in-key",
        limits: Limits | None = None,
        wrong_key: Literal["upgrade", "message"] = "upgrade",
        config_key: bool = False,
        stt_faults: Iterable[Fault] = (),
        tts_faults: Iterable[Fault] = (),
        voice: Voice | None = None,
        pace: float | None = None,
        port: int = 0,
        keep: bool = True,
    ) -> None:
        self.api_key = api_key
        self.stt: list[Record] = []
        self.tts: list[Record] = []
        self.hearing = hearing
        self._limits = limits or Limits()
        self._wrong_key = wrong_key
        self._keys = Keys(api_key, in_config=config_key)
        self._stt_faults = deque(stt_faults)
        self._tts_faults = deque(tts_faults)
        self._voice = voice or ToneVoice()
        self._pace = pace
        self._port = port
        self._keep = keep
        self._started = AsyncExitStack()
        self._servers: list[Server] = []
        self._admitted: WeakKeyDictionary[ServerConnection, Record] = WeakKeyDictionary()
        self._open: set[Record] = set()
        self._starts: dict[Service, deque[float]] = {"stt": deque(), "tts": deque()}
        self._news = asyncio.Condition()
        self._broken: list[Exception] = []

    @property
    def stt_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}{STT_PATH}"

    @property
    def tts_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}{TTS_PATH}"

    async def __aenter__(self) -> SonioxStandIn:
        async with AsyncExitStack() as started:
            for engine in (self.hearing, self._voice):
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
        self.stop_listening()
        await accepted()
        for connection in [c for server in self._servers for c in server.all_connections]:
            connection.transport.abort()
        async with asyncio.timeout(CLOSE_S):
            for server in self._servers:
                server.close()
                await server.wait_closed()
        await self._started.aclose()
        if self._broken and error is None:
            raise ExceptionGroup("the stand-in failed", self._broken)

    async def listen(self) -> None:
        """Take connections, after `stop_listening` on the same port."""
        for stopped in self._servers:
            stopped.server.close()
        for stopped in self._servers:
            stopped.server.close()  # which gives the port back
        server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            process_request=self._admit,
            select_subprotocol=_subprotocol,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            server_header=None,
        )
        self._servers.append(server)
        self._port = server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """Have the kernel refuse new connections; those that are open go on."""
        for server in self._servers:
            refuse_connections(server.server)

    def misbehave(self, *faults: Fault, tts: bool = False) -> None:
        """Add to what the next STT connections meet, or TTS connections."""
        (self._tts_faults if tts else self._stt_faults).extend(faults)

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        """Wait until it is so; looked at whenever a connection begins or ends.

        Raises:
            TimeoutError: it is not so in time.
        """
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(condition)

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        path = urlsplit(request.path).path
        if path not in (STT_PATH, TTS_PATH):
            return connection.respond(http.HTTPStatus.NOT_FOUND, "Not Found\n")
        names = tuple(name.lower() for name, _ in request.headers.raw_items())
        service: Service = "stt" if path == STT_PATH else "tts"
        records, faults = {
            "stt": (self.stt, self._stt_faults),
            "tts": (self.tts, self._tts_faults),
        }[service]
        record = Record(service, request.path, names, self._keys.shown(request), keep=self._keep)
        record.fault = faults.popleft() if faults else None
        records.append(record)
        refused = self._refused(connection, record)
        if refused is None:
            self._admitted[connection] = record
        else:
            record.ended.set()
        async with self._news:
            self._news.notify_all()
        return refused

    def _refused(self, connection: ServerConnection, record: Record) -> Response | None:
        kind = record.fault.kind if record.fault is not None else None
        if kind == "busy":
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "no upstream\n")
        if kind == "refuse":
            reset(connection)
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "")  # nobody reads it
        if kind == "denied" or (self._keys.refuses(record.key) and self._wrong_key == "upgrade"):
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "Unauthorized\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        record = self._admitted[connection]
        self._open.add(record)
        try:
            async with asyncio.TaskGroup() as tasks:
                peer = Peer(connection, record, tasks, send_s=self._limits.send_s)
                await self._attend(peer, record)
        except* Gone:
            pass
        except* Exception as broken:
            # The library would log it, and no test would know.
            self._broken.extend(broken.exceptions)
        finally:
            self._open.discard(record)
            record.ended.set()
            async with self._news:
                self._news.notify_all()

    async def _attend(self, peer: Peer, record: Record) -> None:
        try:
            self._check(record)
        except Refusal as refusal:
            head: Json = {"tokens": []} if record.service == "stt" else {}
            await peer.say({**head, **refusal.body()})
            await peer.close()
            return
        fault = record.fault
        if record.service == "stt":
            await SttStream(peer, self.hearing, self._limits, self._keys, fault=fault).serve()
        else:
            await TtsConnection(
                peer, self._voice, self._limits, self._keys, fault=fault, pace=self._pace
            ).serve()

    def _check(self, record: Record) -> None:
        limits = {"stt": self._limits.stt_at_once, "tts": self._limits.tts_at_once}
        at_once = sum(other.service == record.service for other in self._open)
        if at_once > limits[record.service]:
            raise Refusal(429, "limit_exceeded", "Too many concurrent streams")
        starts, now_s = self._starts[record.service], asyncio.get_running_loop().time()
        while starts and now_s - starts[0] >= MINUTE_S:
            starts.popleft()
        if len(starts) >= self._limits.starts_per_min:
            raise Refusal(429, "limit_exceeded", "Too many requests in a minute")
        starts.append(now_s)


def _subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return Subprotocol(KEY_PROTOCOL) if KEY_PROTOCOL in offered else None
