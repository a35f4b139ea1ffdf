"""A bar that shows how far a file or a text has got."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["Bar"]


class Bar:
    """A context manager; what it gives is told how much is done, and how much there is.

    Args:
        console: a terminal.
        name: of the file, or what is done.
    """

    def __init__(self, console: Console, name: str) -> None:
        columns = (SpinnerColumn("line"), TextColumn("{task.description}"), BarColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: float, whole: float | None) -> None:
        self._progress.update(self._task, completed=done, total=whole)
