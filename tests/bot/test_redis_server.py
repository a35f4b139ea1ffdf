"""The private redis-server: started, shared, found dead or stale, and stopped after the last."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot import redis_server
from bot.redis_server import RedisServerError, find_binary, private_redis

from .redis_process import ask, gone, server_pid, stopped

ROOT = Path(__file__).parents[2]


async def test_it_starts_answers_keeps_to_itself_and_stops(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    async with private_redis(state_dir) as url:
        assert ask(url, "PING") == b"+PONG"
        path = Path(url.removeprefix("unix://"))
        assert path.parent == state_dir / "redis"
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        pid = server_pid(url)
    await gone(pid)


async def test_data_survives_it(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as url:
        assert ask(url, "SET", "a", "1") == b"+OK"
        pid = server_pid(url)
    await gone(pid)
    async with private_redis(tmp_path) as url:
        assert ask(url, "STRLEN", "a") == b":1"
        assert server_pid(url) != pid


async def test_users_may_come_while_it_stops(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as url:
        assert ask(url, "SET", "a", "1") == b"+OK"
    for _ in range(5):
        async with private_redis(tmp_path) as url:
            assert ask(url, "STRLEN", "a") == b":1"


async def test_users_share_one_server_until_the_last_has_gone(tmp_path: Path) -> None:
    first, second = private_redis(tmp_path), private_redis(tmp_path)
    one, two = await asyncio.gather(first.__aenter__(), second.__aenter__())
    assert one == two
    pid = server_pid(one)
    await first.__aexit__(None, None, None)
    assert server_pid(two) == pid
    assert ask(two, "PING") == b"+PONG"
    await second.__aexit__(None, None, None)
    await gone(pid)


USER = """
import asyncio, sys
from pathlib import Path
from bot.redis_server import private_redis
async def main():
    async with private_redis(Path(sys.argv[1])) as url:
        print(url, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_it_stops_when_its_only_user_is_killed(tmp_path: Path) -> None:
    user = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", USER, str(tmp_path)), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert user.stdout is not None
    pid = server_pid((await user.stdout.readline()).decode().strip())
    user.kill()
    await user.wait()
    await gone(pid)


async def test_a_killed_server_comes_back_with_its_data(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as url:
        ask(url, "SET", "a", "1")
        pid = server_pid(url)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        async with private_redis(tmp_path) as again:
            assert again == url
            assert ask(url, "STRLEN", "a") == b":1"
            assert server_pid(url) != pid


async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "redis"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(directory / "redis.sock"))
    async with private_redis(tmp_path) as url:
        assert ask(url, "PING") == b"+PONG"


async def test_a_hanging_server_is_an_error_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "PING_TIMEOUT_S", 0.05)
    async with private_redis(tmp_path) as url:
        expected = pytest.raises(RedisServerError, match=r"does not answer; see .*redis\.log")
        with stopped(url), expected:
            async with private_redis(tmp_path, deadline_s=0.3):
                pass


async def test_a_long_state_directory_gets_a_short_socket(tmp_path: Path) -> None:
    state_dir = tmp_path / ("long" * 30)
    async with private_redis(state_dir) as url:
        path = Path(url.removeprefix("unix://"))
        assert len(str(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert (state_dir / "redis" / "redis.log").exists()
        pid = server_pid(url)
    await gone(pid)
    os.chmod(path.parent, 0o755)
    with pytest.raises(RedisServerError, match="belongs to somebody else"):
        async with private_redis(state_dir):
            pass
    shutil.rmtree(path.parent)


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file")
    with pytest.raises(RedisServerError, match=r"its last words: .*file format"):
        async with private_redis(tmp_path):
            pass


async def test_a_server_without_a_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "find_binary", lambda: Path("/bin/false"))
    with pytest.raises(RedisServerError, match="its last words: none"):
        async with private_redis(tmp_path):
            pass


async def test_a_state_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RedisServerError, match="cannot be used"):
        async with private_redis(tmp_path / "file"):
            pass


def test_the_binary_on_the_path_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "redis-server"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == binary


def test_no_binary_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RedisServerError, match=r"pip install 'parley\[redis-server\]'"):
        find_binary()
