"""Commands as a shell runs them, in this process: their exit code and what they print."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import cli

__all__ = ["Ran", "Run", "locked", "run", "run_as_anybody"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command went."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], own_logging: None) -> Run:
    """Run `parley` with these arguments."""

    def run_command(*args: str) -> Ran:
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(args))
        assert isinstance(exit_.value.code, int)
        return Ran(exit_.value.code, *capsys.readouterr())

    return run_command


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A directory that is not open to whoever runs a command, like that of another user."""
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        yield
    finally:
        folder.chmod(mode)


def run_as_anybody(*args: str) -> Ran:
    """Run `parley` in a process of its own, which may not pass over the modes of files."""
    command = [sys.executable, "-m", "bot", *args]
    if os.geteuid() == 0:
        if (setpriv := shutil.which("setpriv")) is None:
            pytest.skip("no setpriv: root may read what it likes")
        dropped = "-dac_override,-dac_read_search"
        command = [setpriv, "--bounding-set", dropped, "--inh-caps", dropped, *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return Ran(ran.returncode, ran.stdout, ran.stderr)
