"""The media streams of one call: opened, held, lost and parted from."""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bot.telephony.signature import SIGNATURE_HEADER, sign

from .balancer import Balancer, ForeignUrl, NoWorker
from .events import EventKind, ProtocolFault
from .identity import CallIdentity, new_sid
from .line import Line, LineEnd
from .state import CallState
from .steps import Lose
from .twiml import HANDSHAKE_ERROR, Stream, stream_fault
from .webhook import Callbacks
from .wire import StreamIdentity, Wire, part

__all__ = ["Streams"]

CONNECTION_TIMEOUT = 31901
CONNECTION_REFUSED = 31902
HANDSHAKE_TIMEOUT_S = 10.0


class Streams:
    """Holds one stream after another.

    Args:
        tasks: the call's; sockets are closed in it while the call goes on.
    """

    def __init__(
        self,
        balancer: Balancer,
        auth_token: str,
        identity: CallIdentity,
        state: CallState,
        callbacks: Callbacks,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._balancer = balancer
        self._auth_token = auth_token
        self._identity = identity
        self._state = state
        self._callbacks = callbacks
        self._tasks = tasks
        self._loss: Lose | None = None

    async def hold(self, stream: Stream) -> LineEnd | None:
        """Hold one stream to its end; None when the handshake failed."""
        stream_sid = new_sid("MZ")
        opened = await self._contrived() or await self._open(stream)
        if isinstance(opened, ProtocolFault):
            self._report(stream, stream_sid, "stream-error", opened.message)
            return None
        try:
            return await self._hold(opened, stream, stream_sid)
        finally:
            # The worker may be frozen: the call does not wait for its side of the close.
            self._tasks.create_task(part(opened))

    async def _contrived(self) -> ProtocolFault | None:
        """How this handshake fails because the caller's steps say so: no fault of the worker's."""
        loss, self._loss = self._loss, None
        if loss is None or loss.how not in {"refused", "timeout"}:
            return None
        fault = ProtocolFault(CONNECTION_REFUSED, "refused, as the steps say")
        if loss.how == "timeout":
            await self._state.clock.sleep(loss.lasts_ms)
            fault = ProtocolFault(CONNECTION_TIMEOUT, "never answered, as the steps say")
        self._state.tell(EventKind.FAULT, str(fault))
        return fault

    async def _open(self, stream: Stream) -> ClientConnection | ProtocolFault:
        headers = {SIGNATURE_HEADER: sign(self._auth_token, stream.url)}
        if (fault := stream_fault(stream.url)) is None:
            try:
                return await self._balancer.open(stream.url, headers, HANDSHAKE_TIMEOUT_S)
            except TimeoutError:
                fault = CONNECTION_TIMEOUT, f"no handshake within {HANDSHAKE_TIMEOUT_S:g} s"
            except NoWorker as error:
                fault = CONNECTION_REFUSED, str(error)
            except InvalidStatus as error:
                fault = HANDSHAKE_ERROR, f"the upgrade was answered {error.response.status_code}"
            except (ForeignUrl, InvalidHandshake, EOFError, OSError) as error:
                fault = HANDSHAKE_ERROR, f"the handshake failed: {error}"
        self._state.fault(*fault)
        return ProtocolFault(*fault)

    async def _hold(self, ws: ClientConnection, stream: Stream, stream_sid: str) -> LineEnd:
        who = self._identity
        identity = StreamIdentity(stream_sid, who.call_sid, who.account_sid, stream.parameters)
        self._state.tell(EventKind.STREAM_STARTED, stream.url)
        self._report(stream, stream_sid, "stream-started")
        line = Line(Wire(ws, identity), stream_sid, self._state)
        end = LineEnd.TWILIO
        try:
            end = await line.run()
        finally:
            self._loss = line.loss
            self._state.tell(EventKind.STREAM_ENDED, end.value)
            if end is LineEnd.BROKEN:
                self._report(stream, stream_sid, "stream-error", end.value)
            else:
                self._report(stream, stream_sid, "stream-stopped")
        return end

    def _report(self, stream: Stream, stream_sid: str, event: str, error: str = "") -> None:
        if stream.status is not None:
            params = self._identity.stream(stream_sid, stream.name, event, error)
            self._callbacks.post(stream.status, params)
