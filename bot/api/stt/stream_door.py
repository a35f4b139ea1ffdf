"""`WS /stt/stream`: audio in, messages out, over one WebSocket."""

from __future__ import annotations

import asyncio

import structlog
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from .access import Principal, SttAccess
from .asked import SessionRequest, changed, from_query
from .controls import Audio, Close, Configure, Control, Finalize, KeepAlive, read_control
from .faults import Fault
from .session import Session
from .sessions import Sessions
from .settings import SttServiceSettings
from .stream_socket import StreamSocket
from .wording import StreamWording

__all__ = ["STREAM_PATH", "StreamDoor"]

STREAM_PATH = "/stt/stream"
DOOR = "stream"
CLIENT = "client"
"""Why a session ended that its client has closed."""
FLUSH_S = 10.0
"""How long a client may take to read the last messages."""


class StreamDoor:
    """Serves `/stt/stream`.

    Args:
        sessions: of this worker.
        access: who may have one.
        settings: their limits.
        defaults: what a session is when nothing is asked for.
    """

    def __init__(
        self,
        sessions: Sessions,
        access: SttAccess,
        settings: SttServiceSettings,
        defaults: SessionRequest,
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._wording = StreamWording(settings.stt_idle_s)
        self._most_bytes = settings.stt_max_message_bytes
        self._defaults = defaults

    @property
    def routes(self) -> list[WebSocketRoute]:
        """Its one route."""
        return [WebSocketRoute(STREAM_PATH, self.serve)]

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        socket = StreamSocket(websocket, self._most_bytes)
        subprotocol = self._access.subprotocol(websocket)
        try:
            principal = await self._access.admit(websocket, "stt")
        except Fault as fault:
            await socket.refuse(fault, self._wording.error(fault), subprotocol)
            return
        await socket.accept(subprotocol)
        try:
            session = await self._begin(websocket.query_params.multi_items(), principal)
        except Fault as fault:
            await socket.say_and_close(self._wording.error(fault), fault)
            return
        with structlog.contextvars.bound_contextvars(session=session.id):
            await self._carry(socket, session)

    async def _begin(self, given: list[tuple[str, str]], principal: Principal) -> Session:
        request = from_query(given, self._defaults)
        if request.session_id is None:
            return await self._sessions.open(request, principal, door=DOOR)
        return await self._sessions.resume(request, principal, door=DOOR, given=given)

    async def _carry(self, socket: StreamSocket, session: Session) -> None:
        """Join a socket and a session until one of them is over."""
        sending = asyncio.create_task(socket.serve(session))
        try:
            await self._listen(socket, session)
            if session.over:
                await asyncio.wait([sending], timeout=FLUSH_S)
        finally:
            await self._sessions.leave(session)
            sending.cancel()
            await asyncio.wait([sending])

    async def _listen(self, socket: StreamSocket, session: Session) -> None:
        """Do what the client says until it has closed or is gone, or the session is over."""
        while True:
            try:
                message = await socket.receive()
                if message is None:
                    return
                session.touch()
                command = Audio(message) if isinstance(message, bytes) else read_control(message)
                if isinstance(command, Close):
                    await session.finish(CLIENT)
                    return
                await self._do(session, command)
            except Fault as fault:
                if session.over:
                    return  # its client was told
                if fault.code == "message_too_large":
                    session.fail(fault)
                    return
                session.tell(fault)

    async def _do(self, session: Session, command: Control) -> None:
        match command:
            case Audio(data):
                await session.send(data)
            case Finalize():
                session.finalize()
            case KeepAlive():
                session.push(self._wording.kept_alive())
            case Configure(values):
                await session.configure(changed(values, session.request, begun=session.begun))
