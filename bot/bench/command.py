"""`parley bench`: the benchmarks that anybody can run."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

if TYPE_CHECKING:
    from bot.bench.calls.bench import CallsBench
    from bot.bench.calls.trials import Say

__all__ = ["bench"]

ResultT = TypeVar("ResultT")

MOST_SECONDS = 7_200.0
"""Every frame's lateness is kept in memory."""


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


@bench.command(epilog="Example: parley bench calls --calls 100")
@click.option(
    "--calls",
    type=click.IntRange(1, 400),
    help="So many at a time; if left out, the highest number that is valid, which takes minutes.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, MOST_SECONDS),
    default=30.0,
    show_default=True,
    help="Measure each round of calls for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def calls(calls: int | None, seconds: float, as_json: bool) -> None:
    """How many calls a core carries, and what one costs.

    A worker on a core of its own, with stand-ins for Soniox, is called by light phones on another
    one: callers and bot speak 45 % of the time each, in noise, and one turn in four begins with a
    barge-in. The worker logs as it does by default, to a file.

    Rounds are made with audio sent to the recognizer every 100 ms and every 20 ms. Late on the way
    in is a piece whose last frame is over 20 ms old when it arrives: the frames before it have
    waited for it on purpose, so it is the second round that shows every frame to be in time. A
    round is valid when nothing was late or lost in any call, and when the phones themselves were
    on time. The highest number is that with pieces of 100 ms; it is said whether it holds with the
    others too. The budgets are judged by a hundred calls, or by those that were asked for.

    Run it where nothing else is going on. Exits 1 when it could not be run.
    """
    from rich.console import Console

    from bot.bench.calls.render import render

    result = _bench_calls(calls, seconds)
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        render(result, Console())


@bench.command(epilog="Example: parley bench stt --sessions 200")
@click.option(
    "--sessions",
    type=click.IntRange(1, 400),
    default=200,
    show_default=True,
    help="So many at a time.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, MOST_SECONDS),
    default=20.0,
    show_default=True,
    help="Measure each round of sessions for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def stt(sessions: int, seconds: float, as_json: bool) -> None:
    """What a session of the speech-to-text service costs, and what it adds to the vendor's time.

    A worker on a core of its own, with a stand-in for Soniox, serves light clients of /stt/stream
    on another one: 16-bit samples at 16 kHz, as fast as they are spoken, with speech 45 % of the
    time. Rounds are made with messages of 100 ms and of 20 ms, each beside a bare echo of the same
    messages. A round is valid when no audio and no word was lost or came twice, and when the
    clients themselves were on time. Budgets are judged by the first round.

    Run it where nothing else is going on. Exits 1 when it could not be run.
    """
    from rich.console import Console

    from bot.bench.stt.bench import run
    from bot.bench.stt.render import render

    result = _run(lambda say: run(sessions, seconds, say=say))
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        render(result, Console())


def _bench_calls(calls: int | None, seconds: float) -> CallsBench:
    """Run the benchmark of calls. Raises as `_run`."""
    from bot.bench.calls.bench import run

    return _run(lambda say: run(calls, seconds, say=say))


def _run(measure: Callable[[Say], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run a benchmark, showing on a terminal what is being done.

    Raises:
        click.ClickException: it cannot be run.
    """
    import httpx
    import uvloop
    from rich.console import Console

    from bot.bench.calls.bench import TooFewCores
    from bot.bench.calls.children import ChildFailed
    from bot.demo.worker import WorkerFailed
    from bot.redis_server import RedisServerError

    console = Console(stderr=True)
    # It draws from a thread of its own, twice a second: seldom enough not to disturb the phones.
    status = console.status("", spinner="line", refresh_per_second=2)
    if console.is_terminal:
        status.start()
    try:
        return uvloop.run(measure(status.update))
    except (
        TooFewCores,
        WorkerFailed,
        ChildFailed,
        RedisServerError,
        httpx.HTTPError,
        OSError,
    ) as error:
        raise click.ClickException(_why(error)) from None
    except ExceptionGroup as group:
        raise click.ClickException(_why(group)) from None
    finally:
        status.stop()


def _why(error: Exception) -> str:
    """What an error says, or the first one of a group; its name, if it says nothing."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
