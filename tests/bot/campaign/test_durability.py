from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.campaign.durability import ensure_durable
from bot.redis_link import StoreUnavailable
from bot.redis_server import private_redis
from tests.bot.redis_process import gone, server_pid

COST = "somebody dialled in it may be dialled again"


async def test_a_redis_that_keeps_everything(own_redis: str) -> None:
    async with Redis.from_url(own_redis, decode_responses=True) as redis:
        fault = await ensure_durable(own_redis, private=False)
        assert COST in fault
        assert fault.startswith("this Redis has appendfsync everysec: ")
        assert fault.endswith("; set appendfsync always")

        await redis.config_set("appendfsync", "always")
        assert await ensure_durable(own_redis, private=False) == ""

        await redis.config_set("no-appendfsync-on-rewrite", "yes")
        await redis.config_set("appendonly", "no")
        fault = await ensure_durable(own_redis, private=False)
        assert "appendonly no, no-appendfsync-on-rewrite yes" in fault
        assert "since its last snapshot, or ever: whoever was called may be called again" in fault
        assert "the last second" not in fault


async def test_a_redis_that_throws_things_away(own_redis: str) -> None:
    async with Redis.from_url(own_redis) as redis:
        await redis.config_set("appendfsync", "always")
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        assert await ensure_durable(own_redis, private=False) == ""
        await redis.config_set("maxmemory", "1gb")
        fault = await ensure_durable(own_redis, private=False)
        assert "maxmemory-policy allkeys-lru may throw away" in fault


async def test_one_of_our_own_is_told_to_keep_everything(own_redis: str) -> None:
    assert await ensure_durable(own_redis, private=True) == ""
    async with Redis.from_url(own_redis, decode_responses=True) as redis:
        assert await redis.config_get("appendfsync") == {"appendfsync": "always"}


async def test_one_of_our_own_is_durable_before_it_answers_again(
    own_redis: str, tmp_path: Path
) -> None:
    """A dialer may claim before anybody can say it again."""
    assert await ensure_durable(own_redis, private=True) == ""
    pid = server_pid(own_redis)
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    async with (
        private_redis(tmp_path / "state") as url,
        Redis.from_url(url, decode_responses=True) as redis,
    ):
        assert server_pid(url) != pid
        assert await redis.config_get("appendfsync") == {"appendfsync": "always"}


async def test_one_that_cannot_be_seen(own_redis: str) -> None:
    async with Redis.from_url(own_redis) as redis:
        await redis.acl_setuser(
            "tenant", True, passwords=["+pw"], keys="*", commands=["+@all", "-config"]
        )
    tenant = own_redis.replace("unix://", "unix://tenant:pw@")
    fault = await ensure_durable(tenant, private=False)
    assert "cannot be seen" in fault
    assert COST in fault


async def test_one_that_is_away() -> None:
    with pytest.raises(StoreUnavailable):
        await ensure_durable("unix:///nonexistent/redis.sock", private=False)
