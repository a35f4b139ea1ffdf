"""What a person sees of kept calls: a table of them, and everything about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

import orjson
from rich.console import Console, JustifyMethod
from rich.table import Table

from bot.record import Record

from .removal import Recordings

__all__ = ["print_call", "print_calls", "shown"]

_LONGEST_EVENT = 200


def print_calls(console: Console, records: Iterable[Record]) -> None:
    """A table of calls, in the order given."""
    headings = ("SID", "when", "from", "to", "direction", "duration", "turns", "ended")
    table = _table(*headings, right={"duration", "turns"})
    for record in records:
        table.add_row(
            record.sid,
            _when(record.started_ms),
            shown(record.from_number),
            shown(record.to_number),
            record.direction,
            _duration(record),
            str(record.counters.get("turns", 0)),
            _how(record),
        )
    console.print(table)


def print_call(
    console: Console, record: Record, log: Sequence[dict[str, Any]], recordings: Recordings
) -> None:
    """One call: its facts, the conversation as it was heard, its events, its recordings."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(record):
        facts.add_row(name, shown(text))
    console.print(facts)
    _print_conversation(console, record)
    _print_log(console, record, log)
    for path in recordings.here:
        line = f"recording {path}, {path.stat().st_size / 1_000_000:.1f} MB"
        console.print(line, soft_wrap=True)
    for path in recordings.missing:
        console.print(f"recording {path}, not on this machine", soft_wrap=True)


def shown(text: str) -> str:
    """`text` for a terminal, which callers and recognizers must not control."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _facts(record: Record) -> Iterable[tuple[str, str]]:
    yield "call", record.sid
    yield "from", f"{record.from_number} to {record.to_number}, {record.direction}"
    yield "began", _when(record.started_ms)
    if record.answered_ms is not None:
        yield "answered", f"after {_seconds(record.answered_ms - record.started_ms)} s"
    yield "ended", _ending(record)
    yield "bot", ", ".join(filter(None, [record.dialog, record.language, *_used(record)]))
    for switch in record.switches:
        yield "switched", _switch(switch)
    yield "streams", f"{record.generation}, the last one held by {record.worker or 'nobody'}"
    yield from _measures(record)
    for note in record.notes:
        yield "note", note
    for name, values in (("parameters", record.parameters), ("state", record.state)):
        if values:
            yield name, orjson.dumps(values).decode()


def _measures(record: Record) -> Iterable[tuple[str, str]]:
    counters = dict(record.counters)
    gaps, lost_ms = counters.pop("gaps", 0), counters.pop("lost_ms", 0)
    if gaps:
        yield "gaps", f"{gaps}, {_seconds(lost_ms)} s altogether"
    for name in ("endpointing_ms", "reply_ms"):
        values = [latency[name] for latency in record.latencies if name in latency]
        if values:
            line = f"{median(values):.0f} ms in the middle, {max(values):.0f} ms at most"
            yield name.removesuffix("_ms"), line
    counted = [f"{name} {count}" for name, count in counters.items() if count]
    if counted:
        yield "counted", ", ".join(counted)


def _print_conversation(console: Console, record: Record) -> None:
    table = _table("from", "to", "who", "words", "heard", right={"from", "to"})
    for entry in record.history:
        heard = "" if entry.heard == entry.text else shown(entry.heard)
        if entry.interrupted:
            heard = f"{heard} (interrupted)".strip()
        table.add_row(
            _seconds(entry.start_ms),
            _seconds(entry.end_ms),
            entry.role,
            shown(entry.text),
            heard,
        )
    if record.history:
        console.print(table)


def _print_log(console: Console, record: Record, log: Sequence[dict[str, Any]]) -> None:
    table = _table("at", "event", "", right={"at"})
    for event in log:
        fields = {key: value for key, value in event.items() if key not in {"kind", "at_ms"}}
        text = ", ".join(f"{key}={_value(value)}" for key, value in fields.items())
        at = _seconds(event["at_ms"] - (record.answered_ms or record.started_ms))
        table.add_row(at, shown(str(event["kind"])), shown(text[:_LONGEST_EVENT]))
    if log:
        console.print(table)


def _table(*headings: str, right: set[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        justify: JustifyMethod = "right" if heading in right else "left"
        table.add_column(heading, justify=justify, no_wrap=heading == "SID")
    return table


def _used(record: Record) -> list[str]:
    return [f"{kind} {name}" for kind, name in record.providers.items()]


def _switch(switch: Mapping[str, Any]) -> str:
    who = f"{switch['kind']} from {switch['before']} to {switch['after']}"
    return f"{who} at {_seconds(switch['at_ms'])} s: {switch['reason']}"


def _duration(record: Record) -> str:
    """From the first stream's start, or from the first ring when there was none."""
    if record.ended_ms is None:
        return ""
    return f"{_seconds(record.ended_ms - (record.answered_ms or record.started_ms))} s"


def _how(record: Record) -> str:
    if record.ended is None:
        return record.status
    return shown(f"{record.ended.by}: {record.ended.reason}")


def _ending(record: Record) -> str:
    if record.ended is None:
        return f"not yet: {record.status}"
    after = f" after {_duration(record)}" if record.ended_ms is not None else ""
    return f"by {record.ended.by}: {record.ended.reason}{after}"


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).strftime("%Y-%m-%d %H:%M:%S")


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
