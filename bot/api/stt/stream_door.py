"""`WS /stt/stream`: audio in, messages out, over one WebSocket."""

from __future__ import annotations

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from .access import Principal, SttAccess
from .asked import SessionRequest, changed, from_query
from .controls import Audio, Configure, Control, Finalize, KeepAlive
from .ending import CLIENT
from .faults import Fault
from .held import STREAM
from .session import Session
from .sessions import Sessions
from .settings import SttServiceSettings
from .socket_door import SocketDoor
from .stream_socket import StreamSocket
from .wording import StreamWording

__all__ = ["STREAM_PATH", "StreamDoor"]

STREAM_PATH = "/stt/stream"


class StreamDoor(SocketDoor):
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
        wording = StreamWording(settings.stt_idle_s)
        super().__init__(sessions, access, wording, settings.stt_max_message_bytes)
        self._kept_alive = wording.kept_alive
        self._defaults = defaults

    @property
    def routes(self) -> list[WebSocketRoute]:
        """Its one route."""
        return [WebSocketRoute(STREAM_PATH, self.serve)]

    async def _begin(
        self, websocket: WebSocket, socket: StreamSocket, principal: Principal
    ) -> Session | None:
        given = websocket.query_params.multi_items()
        request = from_query(given, self._defaults)
        if request.session_id is None:
            return await self._sessions.open(request, principal, door=STREAM)
        try:
            return await self._sessions.resume(request, principal, door=STREAM, given=given)
        except Fault as fault:
            ending = None
            if fault.code == "session_ended":
                ending = await self._sessions.ending(request, principal)
            if ending is None:
                raise
        await socket.say_all_and_close(ending, CLIENT)
        return None

    async def _do(self, session: Session, command: Control) -> None:
        match command:
            case Audio(data):
                await session.send(data)
            case Finalize():
                session.finalize()
            case KeepAlive():
                session.push(self._kept_alive())
            case Configure(values):
                await session.configure(changed(values, session.request, begun=session.begun))
