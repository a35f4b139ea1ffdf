"""Requests and WebSockets as `SttAccess` sees them, and access as a worker has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from bot.api.keys.draft import KeyDraft
from bot.api.keys.store import KeyStore, NewKey
from bot.api.stt.access import SttAccess
from bot.api.stt.faults import Fault
from bot.settings import Settings

__all__ = ["LOCAL", "MASTER", "PUBLIC", "access_of", "asking", "made", "refusing"]

MASTER = "s3cret"
PUBLIC: dict[str, Any] = {"public_url": "https://bot.example.com"}
"""A worker on the internet, without PARLEY_API_KEY."""
LOCAL: dict[str, Any] = {"public_url": "http://127.0.0.1:8080", "dev": True}
"""A development worker."""


def access_of(keys: KeyStore, *, worker: str = "w", **values: Any) -> SttAccess:
    settings = Settings.model_validate({"state_dir": "/nonexistent", **PUBLIC, **values})
    return SttAccess(settings, keys, worker=worker)


def asking(
    key: str | None = None,
    *,
    host: str = "bot.example.com",
    origin: str | None = None,
    authorization: str | None = None,
    x_api_key: str | None = None,
    query: str = "",
    protocols: tuple[str, ...] = (),
) -> HTTPConnection:
    """What a client asks: a WebSocket if there are subprotocols.

    Args:
        key: sent as a bearer.
        host, origin, authorization, x_api_key: headers.
        query, protocols: as said.
    """
    bearer = None if key is None else f"Bearer {key}"
    given = {
        "host": host,
        "origin": origin,
        "authorization": authorization or bearer,
        "x-api-key": x_api_key,
    }
    scope: dict[str, Any] = {
        "type": "websocket" if protocols else "http",
        "path": "/stt/stream",
        "query_string": query.encode(),
        "headers": [
            (name.encode(), value.encode("latin-1"))
            for name, value in given.items()
            if value is not None
        ],
        "subprotocols": list(protocols),
    }
    return HTTPConnection(scope)


async def made(keys: KeyStore, **values: Any) -> NewKey:
    """A new key."""
    return await keys.create(KeyDraft.read({"name": "shop", **values}))


@contextmanager
def refusing(code: str, said: str = "") -> Iterator[pytest.ExceptionInfo[Fault]]:
    """See that a client is refused, and told why."""
    with pytest.raises(Fault) as raised:
        yield raised
    assert raised.value.code == code, raised.value
    assert said in raised.value.text
