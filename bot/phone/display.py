"""What a person sees of a call: a line for each event, and tables at the end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .events import EventKind, PhoneEvent
from .measure import percentile
from .result import Artifacts, CallResult

__all__ = ["LiveLog", "print_call", "print_calls"]

_STYLES = {
    EventKind.STEP_STARTED: "bold blue",
    EventKind.BOT_STARTED: "bold green",
    EventKind.CLEAR: "bold yellow",
    EventKind.FAULT: "bold red",
    EventKind.ENDED: "bold",
}
# A phone that is later than this measures itself, not the worker.
_LATE_MS = 5.0


class LiveLog:
    """Prints a call's events as they happen; marks are too many to be read."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: PhoneEvent) -> None:
        if event.kind is EventKind.MARK:
            return
        style = _STYLES.get(event.kind, "dim")
        at = f"{event.at_ms / 1000:7.2f}"
        line = f"{at}  {event.kind.value:<15} {event.detail}".rstrip()
        self._console.print(line, style=style, markup=False, highlight=False)


def print_call(console: Console, result: CallResult, artifacts: Artifacts) -> None:
    """One call: the conversation, its timings, what is wrong, where the files are."""
    turns = Table(title=f"Call {result.call_sid}", title_justify="left")
    for heading in ("from", "to", "who", "words", "heard"):
        turns.add_column(heading, justify="right" if heading in {"from", "to"} else "left")
    for turn in result.turns:
        words = "(not reported)" if turn.text is None else turn.text
        heard = "" if turn.heard in {None, turn.text} else str(turn.heard)
        turns.add_row(
            _seconds(turn.start_ms), _seconds(turn.end_ms), turn.role, escape(words), escape(heard)
        )
    console.print(turns)
    console.print(_timings([result]))
    ended = f"ended by {result.ended.by} ({result.ended.reason}) after {result.duration_s:.1f} s"
    console.print(ended, markup=False, highlight=False)
    _print_troubles(console, result)
    for path in (
        artifacts.recording,
        artifacts.transcript,
        artifacts.timeline,
        artifacts.report,
    ):
        if path is not None:
            console.print(str(path), markup=False, highlight=False, soft_wrap=True)


def print_calls(console: Console, results: Sequence[CallResult]) -> None:
    """Several calls: their timings together, and what is wrong with each."""
    console.print(_timings(results))
    failed = sum(result.failed for result in results)
    console.print(f"{len(results)} calls, {failed} failed", markup=False, highlight=False)
    for result in results:
        if result.failed:
            console.print(result.call_sid, markup=False, highlight=False)
            _print_troubles(console, result)


def late_note(results: Sequence[CallResult]) -> str | None:
    """A warning when the phone was itself too late for its measurements to hold."""
    late = percentile([ms for result in results for ms in result.traffic.late_ms], 99)
    if late is None or late <= _LATE_MS:
        return None
    return f"the phone itself was late: {late:.1f} ms at p99; latencies include it"


def _timings(results: Sequence[CallResult]) -> Table:
    table = Table(title="Milliseconds", title_justify="left")
    for heading in ("", "count", "p50", "p95", "max"):
        table.add_column(heading, justify="left" if not heading else "right")
    greetings = [greeting for r in results if (greeting := r.latencies.greeting) is not None]
    rows: list[tuple[str, list[float]]] = [
        ("greeting", greetings),
        ("response", [ms for r in results for ms in r.latencies.response]),
        ("barge-in", [ms for r in results for ms in r.latencies.barge_in]),
        *_gap_rows(results),
        ("phone's own lateness", [ms for r in results for ms in r.traffic.late_ms]),
    ]
    for name, values in rows:
        table.add_row(
            name,
            str(len(values)),
            _ms(percentile(values, 50)),
            _ms(percentile(values, 95)),
            _ms(max(values, default=None)),
        )
    overlaps = sum(result.latencies.overlaps for result in results)
    clears = sum(len(result.tape.clears) for result in results)
    table.caption = f"overlaps: {overlaps}, clears: {clears}"
    return table


def _gap_rows(results: Sequence[CallResult]) -> list[tuple[str, list[float]]]:
    """After streams that ended before their calls did; calls without any show no rows."""
    found = [gap for result in results for gap in result.gaps]
    if not found:
        return []
    return [
        ("gap to the next stream", [ms for g in found if (ms := g.to_stream_ms) is not None]),
        ("gap to the bot's sound", [ms for g in found if (ms := g.to_audio_ms) is not None]),
    ]


def _print_troubles(console: Console, result: CallResult) -> None:
    for fault in result.faults:
        console.print(f"error {fault}", style="red", markup=False, highlight=False)
    for note in result.notes:
        console.print(f"note: {note}", style="dim", markup=False, highlight=False)


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.2f}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
