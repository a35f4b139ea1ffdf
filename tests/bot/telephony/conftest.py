"""Deployments for the tests of telephony."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Store

from .deployment import Deployment, settings


@pytest.fixture
async def store(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    """A store of this test's own, on the session's Redis."""
    store = Store(redis_url, prefix=redis_prefix)
    yield store
    await store.aclose()


@pytest.fixture
async def no_store() -> AsyncIterator[Store]:
    """A store whose Redis is away."""
    store = Store("unix:///nonexistent/redis.sock")
    yield store
    await store.aclose()


@pytest.fixture
def deployment(tmp_path: Path, store: Store) -> Deployment:
    """A worker with Redis."""
    return Deployment(settings(tmp_path), store)


@pytest.fixture
def lonely(tmp_path: Path, no_store: Store) -> Deployment:
    """A worker whose Redis is away."""
    return Deployment(settings(tmp_path), no_store)
