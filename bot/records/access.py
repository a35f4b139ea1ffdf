"""The store as a command finds it: the Redis that the workers use."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bot.redis_server import private_redis
from bot.settings import Settings
from bot.store import Store

__all__ = [
    "DEADLINE_S",
    "NothingKept",
    "Unreadable",
    "open_redis",
    "open_store",
    "redis_name",
    "store_at",
]

# A command may wait longer than a call can.
DEADLINE_S = 5.0
# Where redis-server keeps what was appended: a file until Redis 6, a folder since Redis 7.
_KEPT = {"appendonly.aof", "appendonlydir"}


class NothingKept(Exception):
    """No worker has kept anything yet; the message says where was looked."""


class Unreadable(Exception):
    """The state directory is not ours to look at; the message says what to change."""


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of this deployment; raises as `open_redis`."""
    async with open_redis(settings) as url, store_at(url, settings) as store:
        yield store


@asynccontextmanager
async def open_redis(settings: Settings, *, make: bool = False) -> AsyncIterator[str]:
    """The URL of this deployment's Redis, which may yet turn out to be away.

    Without a Redis of the user's own that is the private one: the one that runs, else one that is
    started on its data for as long as the context lasts.

    Args:
        make: whether a private one is made if there is none.

    Raises (on entering):
        NothingKept: there is no private Redis, nor data of one.
        Unreadable: whether there is one cannot be seen.
        RedisServerError: it cannot be started.
    """
    if settings.redis_url is not None:
        yield settings.redis_url.get_secret_value()
        return
    if not make and not _has_data(settings.state_dir):
        raise NothingKept(
            f"nothing is kept in {settings.state_dir}; if your workers use another Redis, "
            "set REDIS_URL, or PARLEY_STATE_DIR, as they do"
        )
    async with private_redis(settings.state_dir) as url:
        yield url


def redis_name(settings: Settings) -> str:
    """Which Redis it is, in words without a password."""
    if settings.redis_url is None:
        return f"the private Redis in {settings.state_dir}"
    parts = urlsplit(settings.redis_url.get_secret_value())
    if parts.scheme == "unix":
        return f"the Redis at {parts.path}"
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"the Redis at {host}:{parts.port or 6379}"


@asynccontextmanager
async def store_at(url: str, settings: Settings) -> AsyncIterator[Store]:
    """The calls that are kept at `url`, for a command."""
    store = Store(
        url,
        prefix=settings.redis_prefix,
        retention_days=settings.retention_days,
        deadline_s=DEADLINE_S,
    )
    try:
        yield store
    finally:
        await store.aclose()


def _has_data(state_dir: Path) -> bool:
    try:
        return not _KEPT.isdisjoint(os.listdir(state_dir / "redis"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise Unreadable(
            f"{error.filename} cannot be read: {error.strerror}; run this as the workers' user, or "
            "correct PARLEY_STATE_DIR"
        ) from None
