"""The keeper of the private redis-server: runs it for as long as somebody uses it.

A script of its own, standard library only, started by `bot.redis_server`::

    python -I redis_keeper.py DIRECTORY SOCKET SERVER [ARGUMENT…]

Every user holds a shared lock on `DIRECTORY/users.lock`. The keeper waits for the exclusive one:
the kernel grants it when the last user has gone, however it went, and then the server is stopped.
So neither a crash nor `kill -9` of a worker takes Redis from the other workers (who need it to
go on with the dead one's calls), and no server is left behind. A server that dies is started again.

The keeper leaves its starter's session, so that Ctrl-C does not reach Redis before the worker has
written its last word. It exits 0 when the server answers (or another keeper has it), else 1.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

START_DEADLINE_S = 10.0
STOP_DEADLINE_S = 5.0
RESTART_PAUSE_S = 0.2
POLL_S = 0.01
PING_TIMEOUT_S = 1.0
PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_keeper() -> None:
    """Have the kernel kill the server when the keeper dies: two on one file would spoil it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def answers(path: str) -> bool:
    """Whether a server at `path` is ready."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PING_TIMEOUT_S)
        try:
            client.connect(path)
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


class Server:
    """The server process, started again whenever it ends before `stop`."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process = self._start()
        self._watcher = threading.Thread(target=self._watch)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_keeper,
        )

    def wait_ready(self, path: str) -> bool:
        """Whether the server answers at `path`, its data loaded, before the deadline."""
        deadline_s = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            # A server takes connections while it loads, and may yet give up on its file.
            if answers(path):
                return True
            time.sleep(POLL_S)
        return False

    def watch(self) -> None:
        """From now on start the server again when it ends."""
        self._watcher.start()

    def _watch(self) -> None:
        while True:
            self._process.wait()
            if self._stopping.wait(RESTART_PAUSE_S):
                return
            with self._starting:
                if not self._stopping.is_set():
                    self._process = self._start()

    def stop(self) -> None:
        """Ask the server to save and end; kill it when it does not."""
        with self._starting:
            self._stopping.set()
            process = self._process
        process.terminate()
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def keep(directory: Path, path: str, command: list[str], ready: int) -> None:
    """Run the server until nobody uses it; one byte to `ready` says that it answers."""
    with open(directory / "keeper.lock", "w") as keeper, open(directory / "users.lock") as users:
        try:
            fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.write(ready, b"+")  # another keeper has it
            return
        server = Server(command)
        if not server.wait_ready(path):
            server.stop()
            return
        os.write(ready, b"+")
        os.close(ready)
        server.watch()
        fcntl.flock(users, fcntl.LOCK_EX)
        server.stop()
        Path(path).unlink(missing_ok=True)


def main() -> None:
    directory, path, *command = sys.argv[1:]
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        sys.exit(0 if os.read(reading, 1) else 1)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keep(Path(directory), path, command, writing)


if __name__ == "__main__":
    main()
