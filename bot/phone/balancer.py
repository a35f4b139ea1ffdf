"""The load balancer between Twilio and the workers.

URLs and signatures are the deployment's public ones; connections go to the addresses given. Of
several, the first that is ready takes each connection, and one that refuses is skipped; when none
is known to be ready, all are tried in order.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect

from .health import Health
from .target import AddressError, Target, split_address

__all__ = ["AddressError", "Balancer", "ForeignUrl", "NoWorker"]

_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# The line discards audio long before so much waits to be sent, and so never waits itself.
_WRITE_LIMIT_BYTES = 1024 * 1024
_CLOSE_TIMEOUT_S = 1.0
_HTTP_OF = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


class ForeignUrl(Exception):
    """A URL outside the public address, to which the phone connects for nobody."""


class NoWorker(Exception):
    """Every address refused the connection."""


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Twilio takes a redirect for a refusal (31920)."""
        return exc


class Balancer:
    """Carries requests and sockets from the public address to a worker.

    Which authorities are trusted is for OpenSSL to say: those of the machine, or `SSL_CERT_FILE`.

    Raises:
        AddressError: the public address or one of the others is none.
    """

    def __init__(self, public_url: str, addresses: Sequence[str] = ()) -> None:
        self._public = split_address(public_url)
        self._targets = [Target.at(url) for url in addresses or [public_url]]
        # Every request is balanced anew, so no connection is kept for the next one.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._tls = ssl.create_default_context()
        self._http = httpx.AsyncClient(verify=self._tls, limits=limits, trust_env=False)
        self._health = Health(self._targets, self._http)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Balancer:
        if len(self._targets) > 1:
            await self._health.check()
            self._watching = asyncio.create_task(self._health.watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._http.aclose()

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> httpx.Response:
        """Make an HTTP request for a public URL. The caller of this sets the deadline.

        Raises:
            ForeignUrl: `url` is not under the public address.
            NoWorker: no address took the connection.
            httpx.HTTPError: the connection broke.
        """
        path = self._path(url)
        for target in self._health.ordered:
            try:
                return await self._http.request(
                    method,
                    target.http_url + path,
                    headers={**headers, "Host": self._public.netloc},
                    content=body,
                    timeout=None,
                )
            except httpx.ConnectError:
                self._health.refused(target)
            except httpx.HTTPError:
                # It may be dying: whoever asks again should come to another one.
                self._health.refused(target)
                raise
        raise NoWorker(self._refusal())

    async def open(
        self, url: str, headers: Mapping[str, str], timeout_s: float
    ) -> ClientConnection:
        """Open a WebSocket for a public URL. The caller of this closes it.

        Raises:
            ForeignUrl: `url` is not under the public address.
            NoWorker: no address took the connection.
            TimeoutError: the handshake took longer than `timeout_s`.
            websockets.exceptions.InvalidHandshake: the worker refused it.
        """
        path = self._path(url)
        for target in self._health.ordered:
            try:
                async with asyncio.timeout(timeout_s):
                    return await _Connect(
                        # Behind TLS that ends at the balancer, the worker still sees this host.
                        f"{'wss' if target.tls else 'ws'}://{self._public.netloc}{target.path}{path}",
                        host=target.host,
                        port=target.port,
                        ssl=self._tls if target.tls else None,
                        additional_headers=headers,
                        compression=None,
                        proxy=None,
                        open_timeout=None,
                        ping_interval=None,
                        close_timeout=_CLOSE_TIMEOUT_S,
                        max_size=_MAX_MESSAGE_BYTES,
                        write_limit=_WRITE_LIMIT_BYTES,
                    )
            except TimeoutError:
                raise
            except OSError:
                self._health.refused(target)
        raise NoWorker(self._refusal())

    def _path(self, url: str) -> str:
        """Path and query of a public URL, without the public address's own path."""
        parts = urlsplit(url)
        prefix = self._public.path.rstrip("/")
        ours = _HTTP_OF.get(parts.scheme), parts.netloc
        if ours != (self._public.scheme, self._public.netloc) or not parts.path.startswith(prefix):
            raise ForeignUrl(f"{url.partition('?')[0]} is not under {self._public.geturl()}")
        path = parts.path.removeprefix(prefix)
        return f"{path}?{parts.query}" if parts.query else path

    def _refusal(self) -> str:
        return f"connection refused by {', '.join(target.authority for target in self._targets)}"
