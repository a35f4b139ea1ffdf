"""`WS /ws/asr-stream`: for clients of other services, which send a configuration, then audio, and
then only wait for `complete`."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from . import messages
from .access import Principal, SttAccess
from .asked import SessionRequest, from_asr_config
from .controls import CONTROL_TYPES, Audio, Close, Configure, Control, Finalize, read_object
from .faults import Fault
from .session import Session
from .sessions import Sessions
from .settings import SttServiceSettings
from .socket_door import Client, SocketDoor
from .stream_socket import StreamSocket
from .wording import Said

__all__ = ["ASR_PATH", "AsrDoor", "AsrWording"]

ASR_PATH = "/ws/asr-stream"
DOOR = "asr"
CONFIGURE_S = 10.0
"""How long the configuration may take: it is the first thing that a client says."""
_OTHERS = CONTROL_TYPES.keys() - {"config"}
_FORMS = [{"type": name} for name in CONTROL_TYPES if name in _OTHERS]
_CONFIGURATION = [{"language_code": "en-US", "sample_rate_hertz": 16_000, "encoding": "LINEAR16"}]


class AsrWording:
    """The messages of `/ws/asr-stream`."""

    def started(self, session: Session) -> bytes:
        """`metadata`: ready."""
        return messages.render(
            messages.AsrReady.of(session.request, session_id=session.id, provider=session.provider)
        )

    def said(self, session: Session, said: Said) -> bytes:
        """`transcript`."""
        transcript = said.transcript
        return messages.render(
            messages.AsrTranscript(
                text=transcript.text,
                is_final=transcript.final,
                confidence=transcript.confidence,
            )
        )

    def finalized(self, session: Session) -> None:
        """Nothing: its clients know no such answer."""

    def configured(self, session: Session) -> None:
        """Nothing: its clients configure a session once."""

    def ended(self, session: Session) -> bytes:
        """`complete`."""
        return messages.render(messages.AsrComplete())

    def error(self, fault: Fault) -> bytes:
        """`error`."""
        return messages.asr_error(fault, time.time())


class AsrClient(Client):
    """A client that need not say that it has ended.

    Args:
        socket: its connection.
        end_s: once some came, the audio is over after so long without any.
    """

    def __init__(self, socket: StreamSocket, end_s: float) -> None:
        super().__init__(socket, _FORMS)
        self._end_s = end_s
        self._hearing = False  # what it said last was audio
        self._until_s: float | None = None  # on the loop's clock

    async def next(self) -> Control | None:
        """As `Client.next`; `Close` when the audio is over."""
        if self._hearing:
            # From now on: whoever sends faster than is spoken was waited for until here.
            self._until_s = asyncio.get_running_loop().time() + self._end_s
        self._hearing = False
        try:
            async with asyncio.timeout_at(self._until_s):
                command = await super().next()
        except TimeoutError:
            return Close()
        if not isinstance(command, Audio):
            return command
        self._hearing = bool(command.data)
        return command if self._hearing else Close()


class AsrDoor(SocketDoor):
    """Serves `/ws/asr-stream`.

    Args:
        sessions: of this worker.
        access: who may have one.
        settings: their limits, and what a session is when its configuration says nothing.
    """

    def __init__(self, sessions: Sessions, access: SttAccess, settings: SttServiceSettings) -> None:
        super().__init__(sessions, access, AsrWording(), settings.stt_max_message_bytes)
        self._end_s = settings.stt_end_s
        self._defaults = SessionRequest(
            language=settings.default_language_code,
            sample_rate_hz=settings.default_sample_rate_hertz,
            interim_results=settings.streaming_interim_results,
            punctuation=settings.enable_automatic_punctuation,
            silence_ms=settings.stt_silence_ms,
            buffer_ms=settings.stt_buffer_ms,
            overlap_ms=settings.stt_overlap_ms,
        )

    @property
    def routes(self) -> list[WebSocketRoute]:
        """Its one route."""
        return [WebSocketRoute(ASR_PATH, self.serve)]

    async def _begin(
        self, websocket: WebSocket, socket: StreamSocket, principal: Principal
    ) -> Session | None:
        try:
            with self._sessions.expect():
                async with asyncio.timeout(CONFIGURE_S):
                    message = await socket.receive()
        except TimeoutError:
            raise Fault("idle", f"no configuration came for {CONFIGURE_S:g} s") from None
        if message is None:
            return None
        request = from_asr_config(_configuration(message), self._defaults)
        return await self._sessions.open(request, principal, door=DOOR, wording=self._wording)

    def _client(self, socket: StreamSocket) -> Client:
        return AsrClient(socket, self._end_s)

    async def _do(self, session: Session, command: Control) -> None:
        match command:
            case Audio(data):
                await session.send(data)
            case Finalize():
                session.finalize()
            case Configure():
                text = "the configuration comes once, before any audio"
                raise Fault("bad_message", text, allowed=_FORMS)


def _configuration(message: str | bytes) -> dict[str, Any]:
    """The configuration, which a client sends first.

    Raises:
        Fault: it is something else.
    """
    if isinstance(message, str):
        values = read_object(message, _CONFIGURATION)
        if str(values.get("type")) not in _OTHERS:  # it may be anything
            return values
    raise Fault(
        "bad_message", "the first message is the configuration, a JSON text", allowed=_CONFIGURATION
    )
