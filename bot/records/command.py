"""`parley calls`: the records of calls from a shell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from bot.json_output import print_json
from bot.shell import console, counted, is_terminal, load_settings
from bot.store_keys import SID

if TYPE_CHECKING:
    from bot.record import Record
    from bot.settings import Settings
    from bot.store import Store, StoredCall

    from .removal import Removed

__all__ = ["calls"]

DAY_MS = 86_400_000
_TIMES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


class _NothingKept(click.ClickException):
    """Which is no failure for a list."""


class _Sid(click.ParamType[str]):
    name = "SID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not SID.fullmatch(value):
            self.fail(f"{value!r} is no call's SID", param, ctx)
        return str(value)


@click.group(epilog="Example: parley calls list --limit 5")
def calls() -> None:
    """List, show and delete records of calls."""


@calls.command("list", epilog='Example: parley calls list --before "2026-11-20 18:00"')
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--before", metavar="SID|TIME", help="Calls listed after this one, or before this local time."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/calls gives it.")
def list_(limit: int, before: str | None, as_json: bool) -> int:
    """List the latest calls, newest first."""
    try:
        records = asyncio.run(_list(load_settings(), limit, before))
    except _NothingKept as error:
        click.echo(f"parley calls: {error.message}", err=True)
        records = []
    if as_json:
        print_json({"calls": records})
        return 0
    from .display import print_calls

    print_calls(console(wide=True), records)
    if len(records) == limit and is_terminal(sys.stdout):
        click.echo(f"earlier ones: parley calls list --before {records[-1].sid}")
    return 0


@calls.command(epilog="Example: parley calls show CA0123456789abcdef0123456789abcdef")
@click.argument("sid", type=_Sid())
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/calls/SID gives it.")
def show(sid: str, as_json: bool) -> int:
    """Show all about a call.

    How it ended and why, its timings and gaps, the conversation as it was heard, its events, and
    where its recordings are.
    """
    settings = load_settings()
    stored = asyncio.run(_get(settings, sid))
    if as_json:
        print_json(stored.values())
        return 0
    from .display import print_call
    from .removal import Recordings, find_recordings

    fault = ""
    try:
        recordings = find_recordings(stored.record, settings.recordings)
    except OSError as error:
        recordings, fault = Recordings(), _cannot("look for recordings in", error)
    print_call(console(wide=not is_terminal(sys.stdout)), stored.record, stored.log, recordings)
    if fault:
        raise click.ClickException(fault)
    return 0


@calls.command(epilog="Example: parley calls delete --older-than 7 --yes")
@click.argument("sids", metavar="[SID]...", nargs=-1, type=_Sid())
@click.option(
    "--older-than",
    type=click.IntRange(0),
    metavar="DAYS",
    help="All that began more than so many days ago.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(sids: tuple[str, ...], older_than: int | None, yes: bool) -> int:
    """Delete calls: record, log, and the recordings on this machine.

    A call in progress is not deleted.
    """
    if bool(sids) == (older_than is not None):
        raise click.UsageError("name calls by their SIDs, or give --older-than DAYS")
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError("nobody is there to be asked; give --yes")
    return asyncio.run(_delete(load_settings(), sids, older_than, ask=not yes))


async def _list(settings: Settings, limit: int, before: str | None) -> list[Record]:
    async with _store(settings) as store:
        return await store.list_calls(limit, *await _place(store, before))


async def _place(store: Store, before: str | None) -> tuple[int | None, str]:
    """After which start, and, of the calls that began then, after which SID a list begins."""
    if before is None:
        return None, ""
    for form in _TIMES:
        try:
            return int(datetime.strptime(before, form).timestamp() * 1000), ""
        except ValueError:
            continue
    record = await store.load(before) if SID.fullmatch(before) else None
    if record is None:
        raise click.UsageError(
            f"--before {before!r} is neither a call nor a time; write 2026-11-20 18:00:00"
        )
    return record.started_ms, record.sid


async def _get(settings: Settings, sid: str) -> StoredCall:
    async with _store(settings) as store:
        stored = await store.get(sid)
    if stored is None:
        raise click.ClickException(f"there is no call {sid}; see parley calls list")
    return stored


async def _delete(
    settings: Settings, sids: tuple[str, ...], older_than: int | None, *, ask: bool
) -> int:
    from bot.record import now_ms

    from .removal import in_progress, remove

    now = now_ms()
    async with _store(settings) as store:
        if older_than is None:
            found, absent = await _find(store, sids)
        else:
            found, absent = await _find_older(store, now - older_than * DAY_MS), []
        going_on = [record.sid for record in found if in_progress(record, now)]
        over = [record for record in found if record.sid not in going_on]
        if ask and over:
            click.confirm(f"Delete {counted(len(over), 'call')} for ever?", abort=True)
        removed: list[Removed] = []
        try:
            for record in over:
                removed.append(await remove(store, record, settings.recordings))
        except OSError as error:
            raise click.ClickException(_cannot("delete", error)) from None
        finally:
            _tell(removed)
    for sid in absent:
        click.echo(f"parley calls: there is no call {sid}", err=True)
    for sid in going_on:
        click.echo(f"parley calls: {sid} is in progress and was not deleted", err=True)
    # Of all old calls, those in progress were not meant.
    return 1 if absent or (going_on and older_than is None) else 0


async def _find(store: Store, sids: tuple[str, ...]) -> tuple[list[Record], list[str]]:
    """The records, and the SIDs that have none."""
    loaded = {sid: await store.load(sid) for sid in sids}
    found = [record for record in loaded.values() if record is not None]
    return found, [sid for sid, record in loaded.items() if record is None]


async def _find_older(store: Store, before_ms: int) -> list[Record]:
    from .removal import older_calls

    return [record async for record in older_calls(store, before_ms)]


def _tell(removed: list[Removed]) -> None:
    files = sum(len(one.recordings.here) for one in removed)
    click.echo(f"deleted {counted(len(removed), 'call')} and {counted(files, 'recording')}")
    for one in removed:
        for path in one.recordings.missing:
            click.echo(f"parley calls: {path} is not on this machine", err=True)


def _cannot(do: str, error: OSError) -> str:
    remedy = "run this as the workers' user, or correct PARLEY_RECORDINGS"
    return f"cannot {do} {error.filename}: {error.strerror}; {remedy}"


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    from bot.redis_server import RedisServerError
    from bot.store import StoreUnavailable

    from .access import NothingKept, Unreadable, open_store, redis_name

    try:
        async with open_store(settings) as store:
            yield store
    except NothingKept as error:
        raise _NothingKept(f"there are no calls: {error}") from None
    except (Unreadable, RedisServerError) as error:
        raise click.ClickException(str(error)) from None
    except StoreUnavailable as error:
        fault = f"{redis_name(settings)} does not answer ({error}); is it running?"
        raise click.ClickException(fault) from None
