"""Redis servers, good and less good; real ones, but for what none of ours can be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.doctor import redis
from bot.doctor.finding import Level
from bot.doctor.redis import check_redis
from bot.settings import Settings
from tests.bot.redis_process import ask, stopped

from .conftest import Findings
from .site import listening

Make = Callable[..., Settings]


async def test_the_private_one_is_started_and_good(settings: Make, found: Findings) -> None:
    await check_redis(settings(), found.append)
    assert [one.level for one in found] == [Level.OK, Level.OK]
    assert found[0].text.startswith(f"the private Redis in {settings().state_dir}, version ")
    assert found[1].text == "it appends what it is given to a file"


async def test_the_private_one_cannot_be_had(
    settings: Make, found: Findings, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    await check_redis(settings(), found.append)
    assert found.last.level is Level.FAILURE
    assert "cannot be used" in found.last.text


async def test_nobody_answers(settings: Make, found: Findings) -> None:
    await check_redis(settings(redis_url="redis://:s3cret@127.0.0.1:1"), found.append)
    [finding] = found
    assert finding.level is Level.FAILURE
    assert finding.text.startswith("the Redis at 127.0.0.1:1 does not answer: ")
    assert finding.remedy == "start it, or correct REDIS_URL"


async def test_it_hangs(
    settings: Make, found: Findings, own_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "ANSWER_DEADLINE_S", 0.05)
    with stopped(own_redis):
        await check_redis(settings(redis_url=own_redis), found.append)
    assert "does not answer" in found.last.text


async def test_it_wants_a_password(settings: Make, found: Findings, own_redis: str) -> None:
    ask(own_redis, "CONFIG SET requirepass s3cret")
    await check_redis(settings(redis_url=own_redis), found.append)
    [finding] = found
    assert finding.level is Level.FAILURE
    assert " refuses: " in finding.text
    assert finding.remedy.startswith("correct user and password in REDIS_URL")
    found.clear()
    await check_redis(settings(redis_url=f"{own_redis}?password=s3cret"), found.append)
    assert found[0].level is Level.OK
    assert "s3cret" not in "".join(found.lines)


async def test_it_forgets_when_it_is_full(settings: Make, found: Findings, own_redis: str) -> None:
    ask(own_redis, "CONFIG SET maxmemory-policy volatile-lru")
    await check_redis(settings(redis_url=own_redis), found.append)
    assert all(one.level is Level.OK for one in found)  # it may grow as it likes
    ask(own_redis, "CONFIG SET maxmemory 100mb")
    found.clear()
    await check_redis(settings(redis_url=own_redis), found.append)
    [bad] = [one for one in found if one.level is not Level.OK]
    assert bad.level is Level.WARNING
    assert bad.text == "it forgets calls when its memory is full (maxmemory-policy volatile-lru)"
    assert bad.remedy == "set maxmemory-policy noeviction"
    ask(own_redis, "CONFIG SET maxmemory-policy noeviction")
    found.clear()
    await check_redis(settings(redis_url=own_redis), found.append)
    assert all(one.level is Level.OK for one in found)


async def test_it_keeps_nothing(settings: Make, found: Findings, own_redis: str) -> None:
    ask(own_redis, "CONFIG SET appendonly no")
    await check_redis(settings(redis_url=own_redis), found.append)
    assert found.lines[-1] == (
        "warning redis: it keeps nothing on disk, and loses every call when it restarts"
    )
    ask(own_redis, 'CONFIG SET save "3600 1"')
    await check_redis(settings(redis_url=own_redis), found.append)
    assert "it writes snapshots from time to time" in found.last.text
    assert found.last.remedy == "set appendonly yes"


async def test_it_is_a_replica(settings: Make, found: Findings, own_redis: str) -> None:
    ask(own_redis, "REPLICAOF 127.0.0.1 1")
    await check_redis(settings(redis_url=own_redis), found.append)
    assert "failure redis: it is a replica, which cannot be written to" in found.lines


@pytest.mark.parametrize(
    ("slow_ms", "deadline_s", "level"), [(0.0, 1.0, Level.WARNING), (0.0, 0.0, Level.FAILURE)]
)
async def test_it_is_far_away(
    settings: Make,
    found: Findings,
    own_redis: str,
    monkeypatch: pytest.MonkeyPatch,
    slow_ms: float,
    deadline_s: float,
    level: Level,
) -> None:
    monkeypatch.setattr(redis, "SLOW_MS", slow_ms)
    monkeypatch.setattr(redis, "DEADLINE_S", deadline_s)
    await check_redis(settings(redis_url=own_redis), found.append)
    assert found[0].level is level
    assert found[0].remedy == "have it in the same network as the workers"


@asynccontextmanager
async def scripted(info: str) -> AsyncIterator[str]:
    """A server that says this of itself, and closes CONFIG; gives its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = []
            for _ in range(int(head[1:])):
                length = int((await reader.readline())[1:])
                words.append((await reader.readexactly(length + 2))[:-2].upper())
            match words[0]:
                case b"PING":
                    writer.write(b"+PONG\r\n")
                case b"INFO":
                    writer.write(f"${len(info)}\r\n{info}\r\n".encode())
                case b"CONFIG":
                    writer.write(b"-ERR unknown command 'CONFIG'\r\n")
                case _:
                    writer.write(b"+OK\r\n")

    async with listening(answer) as port:
        yield f"redis://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("info", "line"),
    [
        ("redis_version:6.0.16\r\n", "failure redis: version 6.0.16 is too old"),
        ("redis_version:5.9\r\n", "failure redis: version 5.9 is too old"),
        (
            "redis_version:7.2.4\r\nredis_mode:cluster\r\n",
            "failure redis: it is a cluster, over which a call's keys would be spread",
        ),
        (
            "redis_version:10.0.1\r\n",
            "warning redis: it does not say whether it writes snapshots, and appends to no file",
        ),
    ],
)
async def test_what_it_says_of_itself(
    settings: Make, found: Findings, info: str, line: str
) -> None:
    async with scripted(info) as url:
        await check_redis(settings(redis_url=url), found.append)
    assert line in found.lines
    old = [text for text in found.lines if "too old" in text]
    assert old == ([line] if "too old" in line else [])
