"""The benchmark's result as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from .bench import CallsBench
from .budgets import Budget
from .measured import Round, Spread

__all__ = ["budget_table", "render", "spread_text"]

_ROWS: dict[str, Callable[[Round], str]] = {
    "valid": lambda r: "yes" if r["valid"] else "[bold red]no[/]",
    "CPU, % of a core": lambda r: f"{r['cpu_percent']:.1f}",
    "CPU for a call, %": lambda r: f"{r['cpu_percent_per_call']:.2f}",
    "phones and vendors, %": lambda r: f"{r['phones_cpu_percent']:.1f}",
    "waited for its core, %": lambda r: f"{r['waited_percent']:.1f}",
    "memory for a call, MB": lambda r: f"{r['memory_mb_per_call']:.2f}",
    "before, with, after them": lambda r: (
        f"{r['memory_mb_idle']:.0f}, {r['memory_mb']:.0f}, {r['memory_mb_after']:.0f}"
    ),
    "memory not given back, MB": lambda r: f"{r['memory_mb_kept_per_call']:.2f}",
    "tasks for a call": lambda r: f"{r['tasks_per_call']:.1f}",
    "audio in, ms": lambda r: spread_text(r["in_ms"]),
    "pieces of audio late": lambda r: str(r["late_in"]),
    "gaps in replies": lambda r: str(r["out_gaps_ms"]["count"]),
    "added response, ms": lambda r: spread_text(r["response_ms"]),
    "barge-in, ms": lambda r: spread_text(r["barge_in_ms"]),
    "turns, spoken over": lambda r: f"{r['turns']}, {r['barged']}",
    "phones late, ms": lambda r: spread_text(r["phones_late_ms"]),
    "vendors late, ms": lambda r: spread_text(r["vendors_late_ms"]),
}


def render(result: CallsBench, console: Console) -> None:
    """Print the result. Three values of one thing are p50, p99 and the most."""
    console.print(_rounds(result), _echo(result), _vad(result))
    if result["search"] is not None:
        console.print(_probes(result))
    by = f"Budgets, by {result['judged'][0]['calls']} calls"
    console.print(budget_table(result["budgets"], by))
    others = [judged for judged in result["judged"] if judged not in result["rounds"]]
    for measured in [*result["rounds"], *others]:
        which = f"{measured['calls']} calls at {measured['stt_chunk_ms']} ms"
        for fault in measured["faults"]:
            console.print(f"not valid, {which}: {fault}", markup=False)


def _rounds(result: CallsBench) -> Table:
    calls, seconds = result["calls"], result["seconds"]
    table = Table("p50, p99, most", title=f"{calls} calls for {seconds:g} s")
    for measured in result["rounds"]:
        table.add_column(f"audio sent every {measured['stt_chunk_ms']} ms", justify="right")
    for label, shown in _ROWS.items():
        table.add_row(label, *map(shown, result["rounds"]))
    return table


def _echo(result: CallsBench) -> Table:
    echo = result["echo"]
    table = Table("bare echo", "", title=f"The same phones, Python {result['python']}")
    table.add_row("CPU for a call, %", f"{echo['cpu_percent_per_call']:.2f}")
    times = result["times_echo"]
    ratio = "–" if times is None else f"{times:.1f} × as much"
    table.add_row("a call of the worker costs", ratio)
    table.add_row("a frame there and back, ms", spread_text(echo["echo_ms"]))
    late = "; void" if echo["void"] else ""
    table.add_row("frames of the phones late, ms", spread_text(echo["phones_late_ms"]) + late)
    return table


def _vad(result: CallsBench) -> Table:
    vad = result["vad"]
    table = Table("VAD", "CPU for a call, %", "of the worker's CPU", title=vad["model"])
    table.add_row("as it is", f"{vad['gated_percent']:.3f}", f"{result['vad_share']:.0%}")
    if vad["ungated_percent"] is not None and result["vad_share_ungated"] is not None:
        share = f"{result['vad_share_ungated']:.0%}"
        table.add_row("without its gate", f"{vad['ungated_percent']:.3f}", share)
    return table


def _probes(result: CallsBench) -> Table:
    search = result["search"]
    assert search is not None
    fine = "it holds" if result["valid_fine"] else "it does not hold"
    title = f"Highest valid number of calls: {search['highest']} with audio sent every 100 ms"
    table = Table("calls", title=f"{title}; every 20 ms {fine}")
    for heading in ("for, s", "valid", "CPU, % of a core", "why not"):
        table.add_column(heading)
    for probe in search["probes"]:
        valid = "yes" if probe["valid"] else "[bold red]no[/]"
        why = "; ".join(probe["faults"][:3])
        lasted = f"{probe['seconds']:g}"
        table.add_row(str(probe["calls"]), lasted, valid, f"{probe['cpu_percent']:.1f}", why)
    return table


def budget_table(budgets: Sequence[Budget], title: str) -> Table:
    """Budgets, and whether they are met."""
    table = Table("budget", title=title)
    for heading in ("limit", "measured", "met"):
        table.add_column(heading, justify="right")
    for item in budgets:
        limit = f"{'≥' if item['at_least'] else '≤'} {item['limit']:g}"
        met = "yes" if item["met"] else "[bold red]no[/]"
        measured = "–" if item["measured"] is None else f"{item['measured']:.3g}"
        table.add_row(item["name"], limit, measured, met)
    return table


def spread_text(spread: Spread) -> str:
    """Its p50, p99 and the most; a dash where there are none."""
    if not spread["count"]:
        return "–"
    return f"{spread['p50']:.1f}, {spread['p99']:.1f}, {spread['most']:.1f}"
