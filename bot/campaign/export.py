"""A campaign as a table: a row for each attempt, and one for each contact that nobody called.

The table is read twice, in batches: once for the names of its columns, then for its rows. Variables
and result fields of more names than a table may have columns, or of a name that was first seen in
in between, stand as JSON in the columns `variable` and `result`.

What is kept no more is said before the first row, and each contact has a row all the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from bot.record import Record
from bot.store import Store

from .cells import csv_line
from .results import result_of, text_of, transcript_of
from .store import CampaignStore
from .types import Attempt, Campaign, Contact

__all__ = ["Lost", "export"]

BATCH = 20
"""How many attempts are looked up at once: what a worker's calls do not notice."""
MAX_COLUMNS = 200
"""How many variables, and how many result fields, have columns of their own."""

_CONTACT = ("number", "name", "language", "time_zones", "contact_state", "contact_outcome")
_ATTEMPT = (
    *("attempt", "ordinal", "state", "outcome", "reason", "from", "call_sid", "status"),
    *("claimed_at", "placed_at", "answered_at", "ended_at", "settled_at"),
    *("duration_s", "billed_minutes", "answered_by", "usd", "transcript"),
)

_TALKED = ("answered", "callback", "message_left")
"""Outcomes of calls that had a record."""

_T = TypeVar("_T")
_Cell = str | float | None


@dataclass(slots=True)
class Lost:
    """What a table lacks, because it is kept no more.

    Attributes:
        attempts: which have no row.
        records: of calls, without which there is neither transcript nor result.
    """

    attempts: int = 0
    records: int = 0

    def __str__(self) -> str:
        """It in words; empty when nothing is lost."""
        said = []
        if self.attempts:
            said.append(f"{self.attempts} attempts have no row")
        if self.records:
            said.append(f"{self.records} calls have neither transcript nor result")
        return f"{', and '.join(said)}: they are kept no more (PARLEY_RETENTION_DAYS)" * bool(said)


@dataclass(slots=True)
class _Columns:
    """The names of variables and result fields that have columns, in the order of their coming."""

    variables: dict[str, None] = field(default_factory=dict)
    results: dict[str, None] = field(default_factory=dict)
    lost: Lost = field(default_factory=Lost)

    def header(self) -> list[str]:
        variables = (f"variable.{name}" for name in self.variables)
        results = (f"result.{name}" for name in self.results)
        return [*_CONTACT, *variables, "variable", *_ATTEMPT, *results, "result"]


async def export(
    campaigns: CampaignStore, calls: Store, campaign: Campaign, tell: Callable[[Lost], object]
) -> AsyncIterator[str]:
    """The table as CSV (UTF-8, RFC 4180), in pieces of some lines; times are in UTC.

    Args:
        tell: told what is lost, if anything is, before the first piece.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    columns = await _columns(campaigns, calls, campaign.id)
    if str(columns.lost):
        tell(columns.lost)
    yield csv_line(columns.header())
    async for attempts in _batches(campaigns.attempts(campaign.id)):
        numbers = [attempt.number for attempt in attempts]
        found = await campaigns.contacts_of(campaign.id, numbers)
        contacts = [
            _as_it_stands(contact or Contact(number, ()), campaign)
            for number, contact in zip(numbers, found, strict=True)
        ]
        records = await _records(calls, attempts)
        rows = zip(attempts, contacts, records, strict=True)
        yield "".join(csv_line(_row(columns, *row)) for row in rows)
    listed: set[str] = set()
    if columns.lost.attempts:
        listed = {attempt.number async for attempt in campaigns.attempts(campaign.id)}
    async for some in _batches(campaigns.contacts(campaign.id)):
        # Attempts that came to no call do not count.
        uncalled = (
            _as_it_stands(one, campaign)
            for one in some
            if not one.attempts or (columns.lost.attempts and one.number not in listed)
        )
        blank = [""] * (len(_ATTEMPT) + len(columns.results) + 1)
        yield "".join(csv_line([*_contact_cells(columns, one), *blank]) for one in uncalled)


async def _columns(campaigns: CampaignStore, calls: Store, campaign: str) -> _Columns:
    columns = _Columns()
    # Whoever is called meanwhile is not missed.
    missing = (await campaigns.progress(campaign)).attempts
    async for contact in campaigns.contacts(campaign):
        _add(columns.variables, contact.variables)
    async for attempts in _batches(campaigns.attempts(campaign)):
        for attempt, record in zip(attempts, await _records(calls, attempts), strict=True):
            missing -= attempt.state != "void"
            if record is not None:
                _add(columns.results, result_of(record))
            elif attempt.outcome in _TALKED:
                columns.lost.records += 1
    columns.lost.attempts = max(0, missing)
    return columns


def _add(names: dict[str, None], found: Iterable[str]) -> None:
    for name in found:
        if len(names) < MAX_COLUMNS:
            names.setdefault(name)


async def _records(calls: Store, attempts: list[Attempt]) -> list[Record | None]:
    """The calls' records; None of a call that there was none of, or that is kept no more."""

    sids = [attempt.sid for attempt in attempts if attempt.sid]
    found = dict(zip(sids, await calls.load_all(sids), strict=True))
    return [found.get(attempt.sid) for attempt in attempts]


async def _batches(items: AsyncIterator[_T]) -> AsyncIterator[list[_T]]:
    batch: list[_T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(
    columns: _Columns, attempt: Attempt, contact: Contact, record: Record | None
) -> list[_Cell]:
    result = {} if record is None else result_of(record)
    return [
        *_contact_cells(columns, contact),
        *(attempt.id, attempt.ordinal, attempt.state, attempt.outcome, attempt.reason),
        *(attempt.from_number, attempt.sid, attempt.status),
        *(_time(attempt.claimed_ms), _time(attempt.placed_ms), _time(attempt.answered_ms)),
        *(_time(attempt.ended_ms), _time(attempt.settled_ms)),
        *(attempt.duration_s, attempt.minutes, attempt.answered_by, attempt.usd),
        "" if record is None else transcript_of(record),
        *(text_of(result.get(name)) for name in columns.results),
        _rest(result, columns.results),
    ]


def _contact_cells(columns: _Columns, contact: Contact) -> list[_Cell]:
    variables = contact.variables
    return [
        *(contact.number, contact.name, contact.language, " ".join(contact.zones)),
        *(contact.state, contact.outcome),
        *(variables.get(name, "") for name in columns.variables),
        _rest(variables, columns.variables),
    ]


def _as_it_stands(contact: Contact, campaign: Campaign) -> Contact:
    """Who still waited when the campaign was canceled is canceled too."""
    if campaign.state == "canceled" and contact.state == "waiting":
        return replace(contact, state="done", outcome="canceled", plan=None)
    return contact


def _time(at_ms: int | None) -> str:
    if at_ms is None:
        return ""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _rest(values: Mapping[str, Any], columns: Mapping[str, None]) -> str:
    """What has no column of its own, as JSON."""
    rest = {name: value for name, value in values.items() if name not in columns}
    return orjson.dumps(rest).decode() if rest else ""
