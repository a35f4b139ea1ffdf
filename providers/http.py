"""The only module that speaks HTTP with vendors: one httpx client for each event loop.

A process has one event loop and so one client: its connections are kept and shared, and its TLS
context is the one of all sockets (a context for each connection is a leak that httpx users know).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from .errors import (
    DeadlineError,
    NetworkError,
    UnavailableError,
    UnsupportedError,
)
from .headers import check_headers
from .http_answer import Answer, Streamed
from .http_request import HttpRequest, Refused
from .kept import KEPT_S, MAX_CONNECTIONS, Trace, on_sound_connection
from .loopback import PROXY_MOUNTS
from .tls import tls_context

__all__ = ["HttpClient"]

CONNECT_S, WRITE_S = 2.5, 10.0
MAX_BODY_BYTES = 64 * 1024 * 1024
LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""How a connection ends that the server has closed."""
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


class HttpClient:
    """A share in the loop's client; an async context manager, or `open` and `aclose`.

    The first share makes the client, the last one to be closed closes it.

    Attributes:
        provider: the catalogue name, for errors.
    """

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self._shared: _Shared | None = None
        self._waits = set[asyncio.Timeout]()  # what waits for a vendor now

    def open(self) -> None:
        """Take a share, on the running loop. Harmless when it is there already."""
        if self._shared is None:
            loop = asyncio.get_running_loop()
            if loop not in _clients:
                _clients[loop] = _Shared()
            self._shared = _clients[loop]
            self._shared.shares += 1

    async def aclose(self) -> None:
        """Give the share back, and end what waits for an answer. Harmless when there is none."""
        waits, self._waits = self._waits, set()
        for wait in waits:
            if not wait.expired():
                wait.reschedule(asyncio.get_running_loop().time())
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.give_back()

    async def __aenter__(self) -> HttpClient:
        self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def fetch(
        self,
        request: HttpRequest,
        refused: Refused,
        *,
        deadline_s: float,
        max_bytes: int = MAX_BODY_BYTES,
        allowed: Collection[int] = (),
    ) -> Answer:
        """Ask for something and read the whole answer, within `deadline_s`.

        Args:
            request, refused: as `stream`.
            deadline_s: for all of it.
            max_bytes: how long the answer may be.
            allowed: HTTP statuses of 300 or more that are answers too.

        Raises:
            ProviderError: as `stream`; `InvalidResponseError` for an answer over `max_bytes`.
        """
        try:
            async with (
                asyncio.timeout(deadline_s),
                self.stream(request, refused, answer_s=deadline_s, allowed=allowed) as answer,
            ):
                return Answer(answer.status, answer.headers, await answer.read(max_bytes))
        except TimeoutError:
            raise self._late(request.url, deadline_s) from None

    @asynccontextmanager
    async def stream(
        self,
        request: HttpRequest,
        refused: Refused,
        *,
        answer_s: float,
        allowed: Collection[int] = (),
    ) -> AsyncIterator[Streamed]:
        """Ask for something and read the answer as it comes. Leaving the context ends it.

        Args:
            request: what is asked.
            refused: what an HTTP status of 300 or more means.
            answer_s: how long the vendor may take before its answer, and between its parts.
            allowed: HTTP statuses of 300 or more that are answers too.

        Raises:
            ProviderError: the vendor refuses; or `NetworkError`, `DeadlineError`,
                `AuthenticationError` for a key that no header can hold, `UnavailableError` when the
                share is given back meanwhile.
        """
        self.open()
        assert self._shared is not None
        client = self._shared.client
        with self._told(request.url, answer_s):
            check_headers(self.provider, request.headers)
            # As a whole: httpx has a deadline for each of its parts alone.
            async with self._waiting(request.url, answer_s):
                response = await _answered(client, request, answer_s)
            answer = Streamed(self.provider, response, partial(self._waiting, request.url))
            try:
                if answer.status >= 300 and answer.status not in allowed:
                    async with self._waiting(request.url, answer_s):
                        body = await answer.head()
                    raise refused(answer.status, answer.headers, body)
                yield answer
            finally:
                await answer.aclose()

    @asynccontextmanager
    async def _waiting(self, url: str, deadline_s: float | None = None) -> AsyncIterator[None]:
        """What the body waits for ends at the deadline, or when the share is given back.

        Raises:
            DeadlineError, UnavailableError: that was so.
        """
        wait, waits = asyncio.timeout(deadline_s), self._waits
        waits.add(wait)
        try:
            async with wait:
                yield
        except (TimeoutError, httpx.HTTPError) as error:
            if waits is not self._waits:
                raise UnavailableError(
                    self.provider, "the provider was closed", retryable=False
                ) from None
            if deadline_s is None or not isinstance(error, TimeoutError):
                raise
            raise self._late(url, deadline_s) from None
        finally:
            waits.discard(wait)

    @contextmanager
    def _told(self, url: str, answer_s: float) -> Iterator[None]:
        """httpx' errors as ours: theirs may show a proxy's password."""
        try:
            yield
        except httpx.ConnectTimeout as error:
            # It was asked nothing yet, and has had its own deadline.
            raise self._unreached(url, error) from None
        except httpx.TimeoutException:
            raise self._late(url, answer_s) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise UnsupportedError(
                self.provider, "its address is none of HTTP", hint="use https://"
            ) from None
        except (httpx.DecodingError, httpx.RemoteProtocolError) as error:
            raise NetworkError(
                self.provider, f"the answer of {_host(url)} broke off: {type(error).__name__}"
            ) from None
        except httpx.HTTPError as error:
            raise self._unreached(url, error) from None

    def _unreached(self, url: str, error: httpx.HTTPError) -> NetworkError:
        return NetworkError(
            self.provider,
            f"no connection to {_host(url)}: {type(error).__name__}",
            hint="see whether this machine reaches it",
        )

    def _late(self, url: str, deadline_s: float) -> DeadlineError:
        return DeadlineError(self.provider, f"{_host(url)} did not answer in {deadline_s:.1f} s")


class _Shared:
    """A loop's client, and how many have a share in it."""

    def __init__(self) -> None:
        self.shares = 0
        self.client = httpx.AsyncClient(
            verify=tls_context(),
            # A proxy of the environment is for what is beyond this machine.
            mounts=PROXY_MOUNTS,
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEPT_S,
            ),
            # A redirection is a refusal: the key goes nowhere else.
            follow_redirects=False,
        )

    async def give_back(self) -> None:
        self.shares -= 1
        if not self.shares:
            _clients.pop(asyncio.get_running_loop(), None)
            await self.client.aclose()


async def _answered(
    client: httpx.AsyncClient, request: HttpRequest, answer_s: float
) -> httpx.Response:
    """Ask, and have the head of the answer."""
    connect_s = min(CONNECT_S, answer_s)
    timeout = httpx.Timeout(answer_s, connect=connect_s, write=WRITE_S, pool=answer_s)

    async def ask(trace: Trace) -> httpx.Response:
        asked = client.build_request(
            request.method,
            request.url,
            headers=dict(request.headers),
            timeout=timeout,
            extensions={"trace": trace},
            **_content(request),
        )
        return await client.send(asked, stream=True)

    return await on_sound_connection(ask, LOST, lambda: client.is_closed)


def _content(request: HttpRequest) -> dict[str, Any]:
    """The body, as httpx takes it."""
    upload = request.upload
    if upload is None and not request.fields:
        return {"content": request.body} if request.body else {}
    # One list keeps the order: vendors that read a form as it comes want the file last.
    parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in request.fields]
    if upload is not None:
        parts.append((upload.part, (upload.name, upload.data, upload.content_type)))
    return {"files": parts}


def _host(url: str) -> str:
    # Not `netloc`: a password may be in it.
    return urlsplit(url).netloc.rpartition("@")[2]
