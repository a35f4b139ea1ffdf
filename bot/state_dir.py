"""The state directory: what Parley keeps on this machine between runs, for its owner alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["default_state_dir", "dev_token", "find_dev_token", "prepare_state_dir"]

TOKEN_FILE = "dev-token"


def default_state_dir(env: Mapping[str, str]) -> Path:
    """Where state is kept when nothing else is said: XDG's state home, in a folder of our own."""
    home = env.get("XDG_STATE_HOME", "")
    # The XDG base directory specification: a relative path is to be ignored.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "parley"


def prepare_state_dir(state_dir: Path) -> None:
    """Create the state directory if it is not there, readable by its owner alone.

    Raises:
        OSError: it cannot be created.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def find_dev_token(state_dir: Path) -> str | None:
    """The token that a worker started with `--dev` keeps, if there is one."""
    try:
        return (state_dir / TOKEN_FILE).read_text("ascii").strip() or None
    except FileNotFoundError:
        return None


def dev_token(state_dir: Path) -> str:
    """The token that stands in for Twilio's auth token with `--dev`; made when missing.

    Two workers that start at once agree on one token, and no reader finds half of it: it is
    written to a file of its own (mode 0600) which then gets its name, unless the name is taken.

    Raises:
        OSError: the state directory cannot be written.
    """
    if (token := find_dev_token(state_dir)) is not None:
        return token
    prepare_state_dir(state_dir)
    handle, temporary = tempfile.mkstemp(dir=state_dir, prefix=TOKEN_FILE)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, state_dir / TOKEN_FILE)
    finally:
        os.unlink(temporary)
    return (state_dir / TOKEN_FILE).read_text("ascii").strip()
