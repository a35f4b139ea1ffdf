"""`parley demo`: a whole call on this machine, with no key and no account."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.json_output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from .run import Outcome

__all__ = ["conclude", "demo"]


@click.command(epilog="Example: parley demo --out /tmp/first-call")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("parley-demo"),
    show_default=True,
    metavar="DIR",
    help="Leave recording, transcript and picture of the call here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, nothing else.")
def demo(out: Path, as_json: bool) -> int:
    """Hear Parley answer a call on this machine, with no account and no key.

    A worker is started, a caller's recording is played to it through the simulated phone, and the
    conversation is printed as it happens. It takes well under a minute. Exits 1 when the call was
    not what it had to be.
    """
    # Imported here: `parley --help` must not wait for numpy.
    from .display import DemoConsole, print_line, print_ready
    from .run import run_demo
    from .worker import WorkerFailed

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A path may hold letters that the locale has no code for.
            stream.reconfigure(errors="replace")
    console = DemoConsole(quiet=as_json, highlight=False, markup=False)
    console.print("Starting a worker: the booking script, PocketSphinx and eSpeak NG.")
    try:
        outcome = asyncio.run(
            run_demo(
                out,
                on_ready=lambda url, seconds: print_ready(console, url, seconds),
                on_line=lambda at_ms, what, text: print_line(console, at_ms, what, text),
            )
        )
    except asyncio.CancelledError:
        raise click.Abort from None
    except WorkerFailed as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(
            f"cannot write {error.filename or out}: {error.strerror}"
        ) from None
    return conclude(console, outcome, as_json=as_json)


def conclude(console: Console, outcome: Outcome, *, as_json: bool) -> int:
    """Print how it went; the exit code."""
    from .display import print_outcome
    from .report import outcome_report

    if as_json:
        print_json(outcome_report(outcome))
    else:
        print_outcome(console, outcome)
    for fault in outcome.faults:
        click.echo(f"parley demo: {fault}", err=True)
    if outcome.faults:
        click.echo(f"parley demo: what the worker said is in {outcome.worker_log}", err=True)
    return 1 if outcome.faults else 0
