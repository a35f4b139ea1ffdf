"""The import itself: what comes is read, checked and added, some hundred rows at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.campaign.store import CampaignStore
from bot.campaign.store_contacts import NotOpen
from bot.campaign.types import (
    TERMINAL_STATES,
    AddResult,
    Campaign,
    NewContact,
    NoConsent,
    Plan,
)
from bot.redis_link import StoreUnavailable

from .checking import Checker, NoConsentError, RowError
from .csv_rows import CsvRows
from .faults import ContactsError, OptionError
from .json_rows import JsonRows
from .rejects import Reject, Rejects
from .rows import Row, Rows
from .text import Lines, shown

__all__ = ["Imported", "import_contacts"]

BATCH = 250
"""Rows that are added at once. Four times as many are no faster, and hold up calls four times as
long, while they are packed for Redis."""
BATCH_CHARS = 1 << 20
SLICE = 20
SLICE_CHARS = 32 * 1024
"""So many rows, or characters of them, are checked, in a few milliseconds, before calls of the same
process get on."""
NOW_MS = 10_000
"""Plans are made from a time that is so old at most."""
TRIES = 6
AGAIN_S = 0.5  # doubled each time

_REASONS: dict[AddResult, str] = {
    "duplicate": "the number is in the campaign already, or earlier in this file",
    "do_not_call": "the number is on the do-not-call list",
    "withdrawn": "consent: they have not consented; they are in the campaign, and are not called"
    " any more",
    "no_consent": "consent: they have not consented",
}
_PERHAPS = " (Redis was slow: perhaps from this very row)"


@dataclass(frozen=True, slots=True)
class Imported:
    """How far an import is, or what it came to.

    Attributes:
        rows: all that were read; each is one of what follows.
        added: contacts that are new.
        duplicates, do_not_call: in the campaign already; on the list.
        withdrawn: of contacts in the campaign already who are not called any more for that.
        invalid: rows with something wrong in them.
        bytes: of the source that were read.
    """

    rows: int = 0
    added: int = 0
    duplicates: int = 0
    do_not_call: int = 0
    withdrawn: int = 0
    invalid: int = 0
    bytes: int = 0

    @property
    def rejected(self) -> int:
        """Rows that were not added, for whatever reason."""
        return self.rows - self.added


async def import_contacts(
    store: CampaignStore,
    campaign: Campaign,
    source: AsyncIterable[bytes],
    *,
    kind: Literal["csv", "jsonl"] = "csv",
    columns: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    rejects: Rejects | None = None,
    on_progress: Callable[[Imported], None] | None = None,
) -> Imported:
    """Add the contacts of a file or a request's body. What is wrong with one row costs that row.

    To import the same again changes nothing: every row is a duplicate then.

    Args:
        store, campaign: where they go.
        source: the bytes as they come: `read_file(path)`, or a request's `stream()`.
        kind: CSV, the first line of which names the columns, or an object of JSON in each line.
        columns: by field (`columns.FIELDS`) the column that holds it, where it has no usual name.
        delimiter, encoding: as `csv_rows.CsvRows` and `text.Lines`.
        rejects: told of every row that is not added.
        on_progress: told every few hundred rows how far it is.

    Raises:
        ContactsError: it cannot begin or go on; says where, and how many contacts were added.
        StoreUnavailable: Redis is away for longer than a few seconds; as well.
    """
    if campaign.state in TERMINAL_STATES:
        raise ContactsError(f"the campaign is {campaign.state}: make a new one")
    if campaign.unreadable:
        raise ContactsError(f"nobody can be planned for it: {campaign.reason}")
    rows: Rows = CsvRows(delimiter) if kind == "csv" else JsonRows()
    checker = Checker(
        campaign.spec, columns or {}, strict=kind == "csv", now_ms=await store.now_ms()
    )
    importing = _Import(store, campaign.id, checker, rejects, on_progress)
    try:
        await importing.run(rows, Lines(encoding), source)
    except OptionError:
        raise
    except (ContactsError, NotOpen) as error:
        raise ContactsError(f"{error}{importing.said()}") from error
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{error}{importing.said()}") from error
    return importing.imported


@dataclass(slots=True)
class _Batch:
    """Rows that were checked: contacts, or who is to be none, with their rows, and rejects."""

    contacts: list[tuple[NewContact, Plan] | NoConsent] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    chars: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time to add them."""
        return len(self.rows) + len(self.rejects) >= BATCH or self.chars >= BATCH_CHARS


class _Import:
    """One import on its way."""

    def __init__(
        self,
        store: CampaignStore,
        campaign: str,
        checker: Checker,
        rejects: Rejects | None,
        on_progress: Callable[[Imported], None] | None,
    ) -> None:
        self._store = store
        self._campaign = campaign
        self._checker = checker
        self._rejects = rejects
        self._on_progress = on_progress
        self._bytes = 0
        self._batch = _Batch()
        self._now_s = asyncio.get_running_loop().time()
        self.imported = Imported()

    def said(self) -> str:
        """How far it is, in words that end a sentence; nothing when it is nowhere."""
        if not self.imported.rows:
            return ""
        return (
            f" (of {self.imported.rows} rows {self.imported.added} contacts were added, and stay;"
            " to import the same again adds the others alone)"
        )

    async def run(self, rows: Rows, lines: Lines, source: AsyncIterable[bytes]) -> None:
        """All of it."""
        checked = chars = 0
        async with aclosing(self._read(rows, lines, source)) as read:
            async for row in read:
                self._check(row)
                checked, chars = checked + 1, chars + len(row.text)
                if self._batch.full:
                    await self._add()
                elif checked < SLICE and chars < SLICE_CHARS:
                    continue
                else:
                    await asyncio.sleep(0)
                checked = chars = 0
        await self._add()

    async def _read(
        self, rows: Rows, lines: Lines, source: AsyncIterable[bytes]
    ) -> AsyncGenerator[Row, None]:
        try:
            async for piece in source:
                self._bytes += len(piece)
                for row in rows.feed(lines.feed(piece)):
                    yield row
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
        for last in (rows.feed(lines.end()), rows.end()):
            for row in last:
                yield row

    def _check(self, row: Row) -> None:
        self._batch.chars += len(row.text)
        try:
            self._batch.contacts.append(self._checker.check(row))
        except NoConsentError as error:
            self._batch.contacts.append(NoConsent(error.number))
        except RowError as error:
            self._batch.rejects.append(self._reject(row, str(error)))
            return
        self._batch.rows.append(row)

    def _reject(self, row: Row, reason: str) -> Reject:
        return Reject(row.line, self._checker.written(row), reason, shown(row.text))

    async def _add(self) -> None:
        """Add what has been checked, then tell of what was not added."""
        batch, self._batch = self._batch, _Batch()
        results, sure = await self._added(batch.contacts)
        refused = [
            self._reject(
                row, _REASONS[result] + (_PERHAPS if result == "duplicate" and not sure else "")
            )
            for row, result in zip(batch.rows, results, strict=True)
            if result != "added"
        ]
        self._count(results, len(batch.rejects))
        if self._rejects is not None and (told := [*batch.rejects, *refused]):
            await self._rejects.write(sorted(told, key=lambda reject: reject.line))
        if self._on_progress is not None:
            self._on_progress(self.imported)
        await self._keep_time()

    def _count(self, results: Iterable[AddResult], invalid: int) -> None:
        counted = [*results]
        before = self.imported
        self.imported = replace(
            before,
            rows=before.rows + len(counted) + invalid,
            added=before.added + counted.count("added"),
            duplicates=before.duplicates + counted.count("duplicate"),
            do_not_call=before.do_not_call + counted.count("do_not_call"),
            withdrawn=before.withdrawn + counted.count("withdrawn"),
            invalid=before.invalid + counted.count("no_consent") + invalid,
            bytes=self._bytes,
        )

    async def _added(
        self, contacts: list[tuple[NewContact, Plan] | NoConsent]
    ) -> tuple[list[AddResult], bool]:
        """What each became, and whether this is sure: they may have been added in vain before."""
        tried = 0
        while True:
            try:
                results = await self._store.add(self._campaign, contacts) if contacts else []
                return results, tried == 0
            except StoreUnavailable:
                tried += 1
                if tried == TRIES:
                    raise
                await asyncio.sleep(AGAIN_S * 2 ** (tried - 1))

    async def _keep_time(self) -> None:
        loop_s = asyncio.get_running_loop().time()
        if (loop_s - self._now_s) * 1000 >= NOW_MS:
            # Without an answer plans are made from an older time, and claims look at them anew.
            with suppress(StoreUnavailable):
                self._checker.now_ms = await self._store.now_ms()
            self._now_s = loop_s
