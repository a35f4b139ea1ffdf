"""Redis: is it there, soon enough, and will it keep what it is given?"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from bot.records.access import redis_name
from bot.redis_server import RedisServerError, private_redis
from bot.settings import Settings
from bot.store import DEADLINE_S

from .finding import Tell, failure, ok, warning

__all__ = ["check_redis"]

ANSWER_DEADLINE_S = 3.0
OLDEST = (6, 2)
SLOW_MS = 20.0
PINGS = 5


async def check_redis(settings: Settings, tell: Tell) -> None:
    """Look at the Redis that the workers use; the private one is started for it."""
    if settings.redis_url is not None:
        await _check(settings.redis_url.get_secret_value(), redis_name(settings), tell)
        return
    try:
        async with private_redis(settings.state_dir) as url:
            await _check(url, redis_name(settings), tell)
    except RedisServerError as error:
        tell(failure("redis", str(error), "or set REDIS_URL to a Redis of your own"))


async def _check(url: str, name: str, tell: Tell) -> None:
    redis = Redis.from_url(
        url,
        socket_timeout=ANSWER_DEADLINE_S,
        socket_connect_timeout=ANSWER_DEADLINE_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    try:
        took_ms = await _latency_ms(redis)
        info: dict[str, Any] = await redis.info()
        saves = await _saves(redis)
    except (RedisError, OSError) as error:
        _tell_error(name, error, tell)
        return
    finally:
        await redis.aclose()
    _tell_speed(name, info, took_ms, tell)
    _tell_fitness(info, tell)
    _tell_memory(info, tell)
    _tell_persistence(info, saves, tell)


def _tell_error(name: str, error: Exception, tell: Tell) -> None:
    # A refusal while it connects comes wrapped into an error of the connection, or by itself.
    refusals = (AuthenticationError, ResponseError)
    if isinstance(error, refusals) or isinstance(error.__cause__, refusals):
        remedy = "correct user and password in REDIS_URL, and allow that user PING and INFO"
        tell(failure("redis", f"{name} refuses: {error}", remedy))
    else:
        text = f"{name} does not answer: {str(error) or type(error).__name__}"
        tell(failure("redis", text, "start it, or correct REDIS_URL"))


async def _latency_ms(redis: Redis) -> float:
    took_ms = []
    await redis.ping()  # connects
    for _ in range(PINGS):
        began_s = time.perf_counter()
        await redis.ping()
        took_ms.append((time.perf_counter() - began_s) * 1000)
    return median(took_ms)


async def _saves(redis: Redis) -> bool | None:
    """Whether snapshots are made; None when Redis will not say."""
    try:
        return bool((await redis.config_get("save")).get("save"))
    except ResponseError:
        return None  # CONFIG is closed at those who run Redis for others


def _tell_speed(name: str, info: dict[str, Any], took_ms: float, tell: Tell) -> None:
    text = f"{name}, version {info['redis_version']}, answers in {took_ms:.1f} ms"
    remedy = "have it in the same network as the workers"
    if took_ms > DEADLINE_S * 1000:
        tell(failure("redis", f"{text}; calls wait {DEADLINE_S * 1000:.0f} ms at most", remedy))
    elif took_ms > SLOW_MS:
        tell(warning("redis", text, remedy))
    else:
        tell(ok("redis", text))


def _tell_fitness(info: dict[str, Any], tell: Tell) -> None:
    version = str(info["redis_version"])
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        remedy = f"use {'.'.join(map(str, OLDEST))} or later"
        tell(failure("redis", f"version {version} is too old", remedy))
    if info.get("redis_mode") == "cluster":
        text = "it is a cluster, over which a call's keys would be spread"
        tell(failure("redis", text, "use a single Redis, with a replica if you like"))
    if info.get("role") not in {"master", None}:
        remedy = "have REDIS_URL name the one that is written to"
        tell(failure("redis", "it is a replica, which cannot be written to", remedy))


def _tell_memory(info: dict[str, Any], tell: Tell) -> None:
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        text = f"it forgets calls when its memory is full (maxmemory-policy {policy})"
        tell(warning("redis", text, "set maxmemory-policy noeviction"))


def _tell_persistence(info: dict[str, Any], saves: bool | None, tell: Tell) -> None:
    if info.get("aof_enabled"):
        tell(ok("redis", "it appends what it is given to a file"))
    elif saves is None:
        text = "it does not say whether it writes snapshots, and appends to no file"
        tell(warning("redis", text, "see that calls survive its restart: appendonly yes"))
    elif saves:
        text = "it writes snapshots from time to time, and loses what came since when it dies"
        tell(warning("redis", text, "set appendonly yes"))
    else:
        text = "it keeps nothing on disk, and loses every call when it restarts"
        tell(warning("redis", text, "set appendonly yes"))
