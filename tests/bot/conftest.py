"""What tests of the bot share: a real Redis, stores on it, and the process's logging."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from bot.campaign.store import CampaignStore
from bot.redis_server import private_redis
from bot.store import Store
from tests.bot.campaign.campaigns import Clock, campaign_store


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a redis-server of this test session's own."""
    state_dir: Path = tmp_path_factory.mktemp("redis")
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        context = private_redis(state_dir)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def redis_prefix() -> str:
    """A key prefix that no other test has."""
    return f"test-{uuid.uuid4().hex}:"


@pytest.fixture
async def store(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    """A store of this test's own, on the session's Redis, which may take its time."""
    store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    yield store
    await store.aclose()


@pytest.fixture
async def other(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    """The store of another worker, in the same Redis."""
    store = Store(redis_url, prefix=redis_prefix, deadline_s=10)
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> Clock:
    """The clock of `campaigns`: it stands still until the test sets it."""
    return Clock()


@pytest.fixture
async def campaigns(
    redis_url: str, redis_prefix: str, clock: Clock
) -> AsyncIterator[CampaignStore]:
    """A campaign store of this test's own, with one alive worker that takes 1000 calls."""
    async with campaign_store(redis_url, redis_prefix, clock) as store:
        yield store


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The session's Redis itself, to look at and to change what time would."""
    client = Redis.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
async def no_store() -> AsyncIterator[Store]:
    """A store whose Redis is away."""
    store = Store("unix:///nonexistent/redis.sock")
    yield store
    await store.aclose()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a redis-server of this test's own, which it may stop, kill and empty."""
    async with private_redis(tmp_path / "state") as url:
        yield url


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give pytest its own logging back: a command sets up that of its process."""
    root = logging.getLogger()
    handlers, level, before = root.handlers, root.level, structlog.get_config()
    yield
    structlog.configure(**before)
    root.handlers, root.level = handlers, level
