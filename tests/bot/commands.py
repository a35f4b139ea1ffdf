"""Commands as a shell runs them, in this process: their exit code and what they print."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bot import cli

__all__ = ["Ran", "Run", "run"]


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
