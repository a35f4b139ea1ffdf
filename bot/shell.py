"""What commands have of the shell in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console

    from bot.settings import Settings

__all__ = ["console", "counted", "is_terminal", "load_settings"]

# What is made for one line stays on it: a terminal wraps it, and a pipe has no width.
_WIDE = 250


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is at the other end."""
    return stream.isatty()


def console(*, wide: bool) -> Console:
    """Standard output, for tables and the like.

    Args:
        wide: whether lines are to stay whole whatever the terminal's width.
    """
    from rich.console import Console

    return Console(width=_WIDE if wide else None, markup=False, highlight=False)


def counted(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def load_settings() -> Settings:
    """The settings of a command that works with what workers keep.

    Raises:
        UsageError: something is wrong with them.
    """
    from bot.log import configure
    from bot.settings import Settings, SettingsError

    try:
        settings = Settings.load(worker=False)
    except SettingsError as error:
        raise click.UsageError("; ".join(str(error).splitlines())) from None
    # What is wrong is said by the command, in one line.
    configure("critical")
    return settings
