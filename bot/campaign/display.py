"""What a person sees of campaigns: a list of them, and where one stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.records.display import shown

from .status import Status
from .types import Campaign

__all__ = ["print_campaigns", "status_panel"]

_STYLES = {"running": "green", "paused": "yellow", "canceled": "red"}


def print_campaigns(console: Console, campaigns: Sequence[Campaign]) -> None:
    """A table of campaigns, in the order given."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("id", "state", "created", "name", "reason"):
        table.add_column(heading, no_wrap=heading == "id")
    for campaign in campaigns:
        table.add_row(
            campaign.id,
            "unreadable" if campaign.unreadable else campaign.state,
            _when(campaign.created_ms),
            shown(campaign.spec.name),
            shown(campaign.reason),
        )
    console.print(table)


def status_panel(status: Status) -> RenderableType:
    """Where a campaign stands, a fact in each line."""
    campaign = status.campaign
    state = Text(campaign.state, _STYLES.get(campaign.state, ""))
    grid = Table.grid(padding=(0, 2))
    for name, text in _facts(status):
        grid.add_row(name, shown(text))
    warnings = (Text(f"warning: {shown(text)}", "yellow") for text in status.warnings)
    title = Text(f"{shown(campaign.spec.name)} ({campaign.id}) ")
    return Group(title + state, grid, *warnings)


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    campaign, progress = status.campaign, status.progress
    if campaign.reason:
        yield "reason", campaign.reason
    if campaign.started_ms is not None:
        yield "started", _when(campaign.started_ms)
    if campaign.ended_ms is not None:
        yield "ended", _when(campaign.ended_ms)
    yield (
        "contacts",
        ", ".join(
            (
                f"{progress.contacts} in all",
                f"{progress.waiting} waiting ({progress.due} due now)",
                f"{progress.live} live",
                f"{progress.done} done",
            )
        ),
    )
    lately = (
        f", {status.calls_per_minute:.1f} a minute lately" if campaign.state == "running" else ""
    )
    yield "calls", f"{progress.attempts} placed{lately}"
    if progress.outcomes:
        yield "calls ended", _outcomes(progress.outcomes.items())
    if progress.contact_outcomes:
        yield "contacts done", _outcomes(progress.contact_outcomes.items())
    if status.answer_rate is not None:
        yield "taken", f"by a person: {status.answer_rate:.0%} of the calls that are over"
    yield "talked", _duration(progress.talked_s)
    yield "cost", _cost(status)
    if progress.undelivered:
        yield "events", f"{progress.undelivered} not delivered to the webhook yet"
    if not progress.due and progress.next_due_ms is not None:
        yield "next call", f"not before {_when(progress.next_due_ms)}, {_next_why(status)}"
    yield from _estimated(status)


def _estimated(status: Status) -> Iterator[tuple[str, str]]:
    estimate = status.estimate
    if estimate is None:
        return
    if estimate.done_ms is None:
        yield "done", f"cannot be estimated: {estimate.basis}"
    else:
        yield "done", f"about {_when(estimate.done_ms)}: {estimate.basis}"


def _next_why(status: Status) -> str:
    """Whether it is about a window: before the first calls of anybody nothing else is."""
    first = status.progress.live + status.progress.done + status.progress.attempts == 0
    return "when a window opens" if first else "when the next contact is due"


def _cost(status: Status) -> str:
    known = f"${status.progress.usd:.2f}, as far as it is known"
    if status.campaign.spec.minute_usd is None:
        return f"{known}; without Twilio's minutes, of which minute_usd would say the price"
    return known


def _outcomes(counted: Iterable[tuple[str, int]]) -> str:
    most = sorted(counted, key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{outcome.replace('_', ' ')} {count}" for outcome, count in most if count)


def _duration(seconds: int) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{seconds // 60} min {seconds % 60:02} s"


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
