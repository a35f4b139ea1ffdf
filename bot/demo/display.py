"""What a person sees of the demo: the conversation line by line, then timings and files."""

from __future__ import annotations

from contextlib import suppress

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.phone.measure import percentile

from .report import latency_rows
from .run import Outcome
from .verdict import booking_of

__all__ = ["DemoConsole", "print_line", "print_outcome", "print_ready"]

_STYLES = {
    "caller": "bold blue",
    "bot": "bold green",
    "barge-in": "bold yellow",
    "fault": "bold red",
    "end": "bold",
}
_WHAT_WIDTH = 10


class DemoConsole(Console):
    """Standard output. When nobody reads it any more, the call goes on: its files are wanted."""

    def on_broken_pipe(self) -> None:
        """Fall silent."""
        with suppress(SystemExit):
            super().on_broken_pipe()


def print_ready(console: Console, url: str, seconds: float) -> None:
    """The worker is ready: the call begins."""
    console.print(f"It is ready at {url} after {seconds:.1f} s, and is called now.\n")


def print_line(console: Console, at_ms: float | None, what: str, text: str) -> None:
    """One line of the conversation, such as `Watch` tells."""
    style = _STYLES.get(what, "dim")
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=6, justify="right")
    line.add_column(width=_WHAT_WIDTH)
    line.add_column()
    quiet = "dim" if style == "dim" else ""
    at = "" if at_ms is None else f"{at_ms / 1000:.2f}"
    line.add_row(Text(at, "dim"), Text(what, style), Text(text, quiet))
    console.print(line)


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Timings, what was booked, and the files that are left."""
    console.print()
    console.print(_timings(outcome))
    held = ", ".join(f"{name} {value}" for name, value in booking_of(outcome.result).items())
    console.print(f"\nBooked: {held or 'nothing'}.\n")
    files = outcome.artifacts
    for name, path in (
        ("recording", files.recording),
        ("transcript", files.transcript),
        ("picture", files.timeline),
        ("report", files.report),
    ):
        if path is not None:
            console.print(f"{name:<{_WHAT_WIDTH}}  {path}", soft_wrap=True)
    for note in outcome.notes:
        console.print(note, soft_wrap=True)


def _timings(outcome: Outcome) -> Table:
    table = Table(title="Milliseconds", title_justify="left")
    table.add_column("")
    for heading in ("count", "p50", "p95", "max"):
        table.add_column(heading, justify="right")
    for name, values in latency_rows(outcome.result):
        found = percentile(values, 50), percentile(values, 95), max(values, default=None)
        cells = ["-" if value is None else f"{value:.0f}" for value in found]
        table.add_row(name, str(len(values)), *cells)
    return table
