"""Whether a Redis keeps what it was told, whatever dies: a number must not be dialled twice.

What is written before a call is placed is all that keeps it from being placed again. So a campaign
asks for a Redis that has every write on its disk before it answers (`appendonly yes`, `appendfsync
always`), and that throws nothing away to make room.

Source: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from bot.redis_link import StoreUnavailable
from bot.redis_server import make_durable

__all__ = ["ensure_durable"]

DEADLINE_S = 5.0
_WANTED = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no"}
_COST = (
    "a crash may cost the last second of what was written: somebody dialled in it may be dialled"
    " again"
)
_COST_OF_ALL = (
    "a crash may cost all that was written since its last snapshot, or ever: whoever was called may"
    " be called again, whoever asked not to be may be called, and somebody dialled in it may be"
    " dialled again"
)
_UNSEEN = f"whether this Redis is durable cannot be seen, for it refuses CONFIG; if not, {_COST}"
_EVICTED = (
    "maxmemory-policy {policy} may throw away who was called when memory is short, and they may be"
    " called again: set it to noeviction"
)


async def ensure_durable(url: str, *, private: bool, deadline_s: float = DEADLINE_S) -> str:
    """What a crash of the Redis at `url` may cost, and what to change; empty if nothing.

    A `private` one, which Parley started, is told to be durable: now, and whenever it is started
    again, before it answers anybody. Dialers say it again, should the file be gone that says so.

    Raises:
        StoreUnavailable: it does not answer.
    """
    redis = Redis.from_url(
        url, decode_responses=True, socket_connect_timeout=deadline_s, retry=Retry(NoBackoff(), 0)
    )
    try:
        async with asyncio.timeout(deadline_s):
            if private:
                await redis.config_set("appendfsync", "always")
                held = await redis.config_get("dir")
                await asyncio.to_thread(make_durable, Path(str(held["dir"])))
            # Before Redis 7 one pattern at a time.
            found = await redis.config_get("*append*") | await redis.config_get("maxmemory*")
    except ResponseError:
        # A managed one, or one whose ACL forbids it.
        return _UNSEEN
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"Redis: {type(error).__name__}") from error
    finally:
        await redis.aclose()
    return "; ".join(_faults({str(name): str(value) for name, value in found.items()}))


def _faults(held: Mapping[str, str]) -> list[str]:
    faults = []
    if not held.keys() >= _WANTED.keys():
        faults.append(_UNSEEN)
    wrong = [name for name, value in _WANTED.items() if held.get(name, value) != value]
    if wrong:
        found = ", ".join(f"{name} {held[name]}" for name in wrong)
        wanted = ", ".join(f"{name} {_WANTED[name]}" for name in wrong)
        cost = _COST_OF_ALL if "appendonly" in wrong else _COST
        faults.append(f"this Redis has {found}: {cost}; set {wanted}")
    policy = held.get("maxmemory-policy", "noeviction")
    if held.get("maxmemory", "0") != "0" and policy != "noeviction":
        faults.append(_EVICTED.format(policy=policy))
    return faults
