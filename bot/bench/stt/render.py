"""The benchmark's result as tables."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bot.bench.calls.render import budget_table, spread_text

from .bench import SttBench
from .measured import Round

__all__ = ["render"]

_ROWS: dict[str, Callable[[Round], str]] = {
    "valid": lambda r: "yes" if r["valid"] else "[bold red]no[/]",
    "CPU, % of a core": lambda r: f"{r['cpu_percent']:.1f}",
    "CPU for a session, %": lambda r: f"{r['cpu_percent_per_session']:.3f}",
    "of the bare echo, %": lambda r: f"{r['echo']['cpu_percent_per_session']:.3f}",
    "times the bare echo": lambda r: "–" if r["times_echo"] is None else f"{r['times_echo']:.1f}",
    "clients and vendor, %": lambda r: f"{r['clients_cpu_percent']:.1f}",
    "waited for its core, %": lambda r: f"{r['waited_percent']:.1f}",
    "memory for a session, MB": lambda r: f"{r['memory_mb_per_session']:.2f}",
    "before, with, after them": lambda r: (
        f"{r['memory_mb_idle']:.0f}, {r['memory_mb']:.0f}, {r['memory_mb_after']:.0f}"
    ),
    "tasks for a session": lambda r: f"{r['tasks_per_session']:.1f}",
    "to session_started, ms": lambda r: spread_text(r["started_ms"]),
    "first interim, ms": lambda r: spread_text(r["first_interim_ms"]),
    "the vendor's part of it": lambda r: spread_text(r["vendor_first_ms"]),
    "session overhead, ms": lambda r: spread_text(r["overhead_ms"]),
    "audio in, ms": lambda r: spread_text(r["in_ms"]),
    "words out, ms": lambda r: spread_text(r["out_ms"]),
    "bare echo there and back": lambda r: spread_text(r["echo"]["echo_ms"]),
    "clients late, ms": lambda r: spread_text(r["clients_late_ms"]),
}


def render(result: SttBench, console: Console) -> None:
    """Print the result. Three values of one thing are p50, p99 and the most."""
    sessions, seconds = result["sessions"], result["seconds"]
    title = f"{sessions} sessions for {seconds:g} s, Python {result['python']}"
    table = Table("p50, p99, most", title=title)
    for measured in result["rounds"]:
        table.add_column(f"messages of {measured['message_ms']} ms", justify="right")
    for label, shown in _ROWS.items():
        table.add_row(label, *map(shown, result["rounds"]))
    by = f"Budgets, by {sessions} sessions with messages of {result['rounds'][0]['message_ms']} ms"
    console.print(table, budget_table(result["budgets"], by))
    for measured in result["rounds"]:
        for fault in measured["faults"]:
            which = f"messages of {measured['message_ms']} ms"
            console.print(f"not valid, {which}: {fault}", markup=False)
