"""What the doors of the service have in common that are WebSockets."""

from __future__ import annotations

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from starlette.websockets import WebSocket

from .access import Principal, SttAccess
from .controls import FORMS, Audio, Close, Control, read_control
from .ending import CLIENT
from .faults import Fault
from .session import Session
from .sessions import Sessions
from .stream_socket import StreamSocket
from .unexpected import fault_for
from .wording import Wording

__all__ = ["Client", "SocketDoor"]

BREATHE = 20
"""After so many messages everybody else has a turn, too: they may have come all at once."""
FLUSH_S = 10.0
"""How long a client may take to read the last messages."""


class Client:
    """The client of one connection.

    Args:
        socket: the connection, which is accepted.
        forms: what it may say in JSON.
    """

    def __init__(self, socket: StreamSocket, forms: Sequence[Mapping[str, Any]] = FORMS) -> None:
        self._socket = socket
        self._forms = forms

    async def next(self) -> Control | None:
        """What it says next; None when it has closed or is gone.

        Raises:
            Fault: it cannot be understood, or is too large.
        """
        message = await self._socket.receive()
        if message is None:
            return None
        if isinstance(message, bytes):
            return Audio(message)
        return read_control(message, self._forms)


class SocketDoor(ABC):
    """Lets clients in, and joins each to a session until one of them is over.

    Args:
        sessions: of this worker.
        access: who may have one.
        wording: how clients are told things.
        most_bytes: how long a message may be.
    """

    def __init__(
        self, sessions: Sessions, access: SttAccess, wording: Wording, most_bytes: int
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._wording = wording
        self._most_bytes = most_bytes

    @abstractmethod
    async def _begin(
        self, websocket: WebSocket, socket: StreamSocket, principal: Principal
    ) -> Session | None:
        """The session that a client asks for; None when it is gone, or was told all there is.

        Raises:
            Fault: it cannot be had.
        """

    @abstractmethod
    async def _do(self, session: Session, command: Control) -> None:
        """Do what the client says. Raises `Fault`."""

    def _client(self, socket: StreamSocket) -> Client:
        return Client(socket)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        socket = StreamSocket(websocket, self._most_bytes)
        subprotocol = self._access.subprotocol(websocket)
        try:
            principal = await self._access.admit(websocket, "stt")
        except Exception as error:
            fault = fault_for(error)
            await socket.refuse(fault, self._wording.error(fault), subprotocol)
            return
        try:
            await socket.accept(subprotocol)
        except ConnectionError:
            return
        try:
            session = await self._begin(websocket, socket, principal)
        except Exception as error:
            fault = fault_for(error)
            await socket.say_and_close(self._wording.error(fault), fault)
            return
        if session is not None:
            with structlog.contextvars.bound_contextvars(session=session.id):
                await self._carry(socket, session)

    async def _carry(self, socket: StreamSocket, session: Session) -> None:
        """Join a socket and a session until one of them is over."""
        sending = asyncio.create_task(socket.serve(session))
        try:
            try:
                await self._listen(self._client(socket), session)
            except Exception as error:
                session.fail(fault_for(error))
            if session.over:
                await asyncio.wait([sending], timeout=FLUSH_S)
        finally:
            await self._sessions.leave(session)
            sending.cancel()
            await asyncio.wait([sending])

    async def _listen(self, client: Client, session: Session) -> None:
        """Do what the client says until it has closed or is gone, or the session is over."""
        for count in itertools.count(1):
            if count % BREATHE == 0:
                await asyncio.sleep(0)
                await session.caught_up()  # so that each is answered
            try:
                command = await client.next()
                if command is None:
                    return
                session.touch()
                if isinstance(command, Close):
                    await session.finish(CLIENT)
                    return
                await self._do(session, command)
            except Fault as fault:
                session.touch()
                if session.over:
                    return  # its client was told
                if fault.code == "message_too_large":
                    session.fail(fault)
                    return
                session.tell(fault)
