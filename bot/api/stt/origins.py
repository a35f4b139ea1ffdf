"""Whose web pages may use the service, as browsers ask."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.settings import Settings, is_loopback

from .faults import Fault
from .principal import Principal

__all__ = ["Cors", "Origins"]

PATHS = ("/stt/", "/streaming/")
"""What pages of other origins may ask, by what the path begins with."""
METHODS = ("GET", "POST", "DELETE")
HEADERS = ("Authorization", "X-API-Key", "Content-Type")
PREFLIGHT_S = 600


class Origins(Collection[str]):
    """Every origin whose pages may use the service with one key or another.

    Args:
        settings: PARLEY_STT_ORIGINS, and our own address.

    Attributes:
        of_keys: those that keys name, as Redis said last.
    """

    def __init__(self, settings: Settings) -> None:
        self._listed = frozenset(settings.stt_origins)
        self._own = _origin_of(settings.public_url)
        self.of_keys: frozenset[str] = frozenset()

    @property
    def listed(self) -> frozenset[str]:
        """Those that need no key of their own."""
        return self._listed | {self._own}

    def __contains__(self, origin: object) -> bool:
        return origin == self._own or origin in self._listed or origin in self.of_keys

    def __iter__(self) -> Iterator[str]:
        return iter(self.listed | self.of_keys)

    def __len__(self) -> int:
        return len(self.listed | self.of_keys)

    def check(self, connection: HTTPConnection, principal: Principal) -> None:
        """Refuse a page that may not use the key.

        Who sends no Origin is no browser: those send it with every WebSocket, and with every
        request that a page of another origin makes.

        Args:
            connection: what was asked.
            principal: who asks.

        Raises:
            Fault: origin_refused.
        """
        origin = connection.headers.get("origin")
        if principal.only is not None:
            if origin != principal.only:
                raise Fault(
                    "origin_refused",
                    f"the token is for pages of {principal.only}",
                    allowed=[principal.only],
                )
            return
        if origin is None or self.may(origin, principal):
            return
        if not _is_ours_here(origin, connection.headers.get("host", "")):
            raise Fault(
                "origin_refused",
                "pages of that origin may not use the service: add it to PARLEY_STT_ORIGINS, or to"
                " a key",
                allowed=self.of(principal),
            )

    def of(self, principal: Principal) -> list[str]:
        """The origins whose pages may use the key of who asks."""
        return sorted(self.listed | frozenset(principal.origins))

    def may(self, origin: str, principal: Principal) -> bool:
        """Whether pages of an origin may use the key of who asks."""
        return origin in self.listed or origin in principal.origins


class Cors:
    """Tells browsers whose pages may read the answers of the service; other paths are let alone.

    Args:
        app: what answers.
        origins: whose pages may.
    """

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=HEADERS,
            expose_headers=("Retry-After",),
            max_age=PREFLIGHT_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith(PATHS)
        await (self._cors if ours else self._app)(scope, receive, send)


def _origin_of(url: str) -> str:
    """The origin of an address, as a browser writes it: without a port that its scheme implies."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    implied = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, implied) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _is_ours_here(origin: str, host: str) -> bool:
    """Whether it is a page of our own, opened on this machine under another of its names."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) and origin == f"http://{host}"
