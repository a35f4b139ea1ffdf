"""The library's commands in a directory of their own, without what the user has set."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.config import LibrarySettings
from tests.bot.commands import run

__all__ = ["Pipe", "run"]

Pipe = Callable[[bytes], None]


@pytest.fixture(autouse=True)
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell's directory, and its environment."""
    known = {key.upper() for key in LibrarySettings.model_fields}
    for name in list(os.environ):
        if name in known or name.startswith("PARLEY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARLEY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # two of PocketSphinx' processes will do
    return tmp_path


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Put something into standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
