"""`parley bench`: the benchmarks that anybody can run."""

from __future__ import annotations

import click
import orjson

__all__ = ["bench"]


@click.group(epilog="Example: parley bench media")
def bench() -> None:
    """Measure this machine against the budgets."""


@bench.command(epilog="Example: parley bench media --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def media(as_json: bool) -> None:
    """What a 20 ms frame costs by stage, and how good the resamplers are."""
    from rich.console import Console

    from bot.bench.media import render, run

    result = run()
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        render(result, Console())
