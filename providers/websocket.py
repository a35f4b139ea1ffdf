"""The only module that opens a vendor's WebSocket: a `websockets` client that never needs a task.

Messages go to a listener as they come, by a plain call, and are sent by one, so a stream costs
neither a task nor a queue.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import broadcast
from websockets.exceptions import InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI
from websockets.frames import Close as WireClose
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as WireFrame
from websockets.protocol import State

from .codec import BROKEN, Close, Frame, Listener, Request
from .errors import (
    DeadlineError,
    NetworkError,
    UnsupportedError,
)
from .headers import check_headers
from .http_request import Refused
from .loopback import LOCAL_HOSTS
from .tls import tls_context

__all__ = ["WebSocket", "open_websocket"]

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
# For debugging the library would log headers, which hold keys, and messages, which hold words.
_LOGGER = logging.getLogger("providers.websocket")
_LOGGER.setLevel(logging.INFO)


class WebSocket(ClientConnection):
    """An open connection: `say`, `probe` and `drop` never wait.

    Attributes:
        heard_s: when anything came in last, on the loop's clock.
    """

    def __init__(self, *args: Any, listener: Listener, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener: Listener | None = listener
        self._parts: list[bytes] = []
        self._is_text = False
        self.heard_s = self.loop.time()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.protocol.state is State.OPEN and not self.transport.is_closing()

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be sent that more should not be added."""
        return self.paused

    def say(self, frame: Frame) -> None:
        """Send a message; nothing on a connection that is over."""
        broadcast((self,), frame)

    def probe(self) -> None:
        """Ask whether the vendor is there; any answer moves `heard_s`."""
        if self.is_open:
            self.protocol.send_ping(b"")
            self.send_data()

    def drop(self) -> None:
        """End at once, with a goodbye if it can be sent. The listener is told nothing more."""
        self._listener = None
        if self.is_open:
            self.protocol.send_close(1000)
            self.send_data()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    # What asyncio and websockets call.

    def data_received(self, data: bytes) -> None:
        self.heard_s = self.loop.time()
        super().data_received(data)
        if self.protocol.state is State.CLOSING:
            # No need to wait for the end of the TCP connection: nothing more can be said.
            self._end()

    def process_event(self, event: Any) -> None:
        if isinstance(event, WireFrame) and event.opcode in _DATA:
            self._take(event)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._listener is not None:
            self._listener.writable()

    def _end(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.lost(_close(self.protocol.close_rcvd))

    def _take(self, frame: WireFrame) -> None:
        """A frame is a message, or a piece of one."""
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        data = bytes(frame.data)
        if not frame.fin or self._parts:
            self._parts.append(data)
            if not frame.fin:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        if self._listener is not None:
            self._listener.received(data.decode(errors="replace") if self._is_text else data)


def _close(frame: WireClose | None) -> Close:
    if frame is None:
        return Close(BROKEN)
    # A frame without a code is said to have this one.
    code = None if frame.code == CloseCode.NO_STATUS_RCVD else int(frame.code)
    return Close(code, frame.reason)


class _Connect(connect):
    """A redirection is a refusal: the key goes nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def open_websocket(
    provider: str,
    request: Request,
    listener: Listener,
    *,
    deadline_s: float,
    refused: Refused,
) -> WebSocket:
    """Connect within `deadline_s`. `refused` says what an HTTP status other than 101 means.

    Raises:
        ProviderError: the vendor refuses; or `NetworkError`, `DeadlineError`, `UnsupportedError`;
            or `AuthenticationError` for a key that no header can hold.
    """
    check_headers(provider, request.headers)
    url = urlsplit(request.url)
    # Not `netloc`: a password may be in it.
    address = url.netloc.rpartition("@")[2]
    try:
        socket = await _Connect(
            request.url,
            additional_headers=request.headers,
            user_agent_header=None,
            # Audio does not compress.
            compression=None,
            # A proxy of the environment is for what is beyond this machine.
            proxy=None if url.hostname in LOCAL_HOSTS else True,
            open_timeout=deadline_s,
            ping_interval=None,
            logger=_LOGGER,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=cast(
                type[ClientConnection], functools.partial(WebSocket, listener=listener)
            ),
            ssl=tls_context() if url.scheme == "wss" else None,
        )
    except InvalidStatus as error:
        response = error.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        raise refused(response.status_code, headers, bytes(response.body or b"")) from None
    except InvalidURI:
        raise UnsupportedError(
            provider, f"{url.hostname} is given no address of a WebSocket", hint="use ws or wss"
        ) from None
    except (InvalidProxy, ImportError):
        # It is shown by nobody: a password may be in it.
        raise UnsupportedError(
            provider,
            "the environment's proxy is of a kind that cannot be used",
            hint="give the address of an HTTP proxy in HTTPS_PROXY, or none",
        ) from None
    except TimeoutError:
        raise DeadlineError(
            provider, f"{url.hostname} did not answer within {deadline_s:.1f} s"
        ) from None
    except (OSError, EOFError, InvalidHandshake) as error:
        # Only the system's own errors are sure to hold no header.
        raise NetworkError(
            provider,
            f"no connection to {address}: {type(error).__name__}",
            hint="see whether this machine reaches it",
        ) from (error if isinstance(error, OSError) else None)
    return cast(WebSocket, socket)
