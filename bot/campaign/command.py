"""`parley campaign`: outbound campaigns from a shell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.json_output import print_json
from bot.redis_link import StoreUnavailable
from bot.shell import console, counted, is_terminal

from .access import NoCampaigns, Opened, run
from .contacts_command import export, import_
from .dial_command import dial
from .do_not_call_command import do_not_call
from .options import flag_of, given_by_options, read_campaign_file, spec_options
from .types import TERMINAL_STATES

if TYPE_CHECKING:
    from .control import Controls
    from .status import Status
    from .types import Campaign

__all__ = ["campaign"]

REFRESH_S = 1.0
PATIENCE_S = 60.0
"""For so long, and the deadlines of its questions, a watch goes on without a Redis."""
_LOSS = "Dial though a crash of this Redis may have somebody dialled twice."
_ACTION_EPILOG = "Example: parley campaign {} autumn"


@click.group(
    epilog="\b\nExample:\n"
    "  parley campaign create autumn --from +15551234567 --dialog script:booking\n"
    "  parley campaign import autumn people.csv\n"
    "  parley campaign start autumn"
)
def campaign() -> None:
    """Call many people, each when they may be called, and none of them twice.

    A campaign is named by its id, or by its name if no other that is not over has that.
    """


campaign.add_command(import_)
campaign.add_command(export)
campaign.add_command(dial)
campaign.add_command(do_not_call)


@campaign.command(
    epilog="Example: parley campaign create autumn --from +15551234567 --window 10:00-18:00"
)
@click.argument("name")
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="A TOML file with fields named like these options: attempts = 3, from_numbers = [...].",
)
@spec_options
def create(name: str, file: Path | None, **options: Any) -> int:
    """Make a campaign, and print its id. Options win over the file."""
    from bot.sources import Given

    from .draft import SpecError, read_spec

    given = {} if file is None else read_campaign_file(file)
    given |= {**given_by_options(options), "name": Given("NAME", name)}
    try:
        spec = read_spec(given, flag_of)
    except SpecError as error:
        for problem in error.problems:
            click.echo(f"parley campaign create: {problem}", err=True)
        return 2

    async def make(opened: Opened) -> str:
        return (await opened.controls.create(spec)).id

    made = run(make, make=True)
    click.echo(made)
    if is_terminal(sys.stdout):
        click.echo(f"next: parley campaign import {made} FILE", err=True)
    return 0


@campaign.command("list", epilog="Example: parley campaign list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/campaigns gives it.")
def list_(as_json: bool) -> None:
    """List campaigns, newest first."""
    from .display import print_campaigns
    from .status import summary

    async def load(opened: Opened) -> list[Campaign]:
        return await opened.campaigns.campaigns()

    try:
        found = run(load)
    except NoCampaigns as error:
        click.echo(f"parley campaign: {error.message}", err=True)
        found = []
    if as_json:
        print_json({"campaigns": [summary(one) for one in found]})
    else:
        print_campaigns(console(wide=True), found)


@campaign.command(epilog="Example: parley campaign status autumn --watch")
@click.argument("key", metavar="[ID]", required=False)
@click.option(
    "--watch",
    is_flag=True,
    help="Go on showing it until the campaign is over; in a pipe, and as JSON, show it then, or,"
    " and exit with 1, when Parley has paused it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/campaigns/ID.")
def status(key: str | None, watch: bool, as_json: bool) -> int:
    """Show where a campaign stands; without ID each one that is not over."""
    from .display import status_panel

    screened = watch and not as_json and is_terminal(sys.stdout)
    stopped: list[Status] = []
    if screened:
        found = run(lambda opened: _watch(opened, key))
    elif watch:
        found = run(lambda opened: _awaited(opened, key))
        stopped = [one for one in found if one.stopped]
    else:
        found = run(lambda opened: _statuses(opened, key))
    if as_json:
        values = [one.values() for one in found]
        print_json({"campaigns": values} if key is None else values[0])
    elif not screened:
        screen = console(wide=not is_terminal(sys.stdout))
        for one in found:
            screen.print(status_panel(one))
    if not found and not as_json:
        click.echo("no campaign runs, waits or is paused; see parley campaign list", err=True)
    for one in stopped:
        click.echo(f"parley campaign: {one.campaign.id} is paused: {one.campaign.reason}", err=True)
    return 1 if stopped else 0


@campaign.command(epilog=_ACTION_EPILOG.format("start"))
@click.argument("key", metavar="ID")
@click.option("--accept-loss", is_flag=True, help=_LOSS)
def start(key: str, accept_loss: bool) -> None:
    """Let a campaign dial.

    It is refused while something that it needs is missing. A Redis that may forget in a crash what
    it was told is such a thing, unless you accept that.
    """
    _act(key, lambda controls, found: controls.start(found, accept_loss=accept_loss))


@campaign.command(epilog=_ACTION_EPILOG.format("resume"))
@click.argument("key", metavar="ID")
@click.option("--accept-loss", is_flag=True, help=_LOSS)
def resume(key: str, accept_loss: bool) -> None:
    """Let a paused campaign dial again; as start."""
    _act(key, lambda controls, found: controls.resume(found, accept_loss=accept_loss))


@campaign.command(epilog=_ACTION_EPILOG.format("pause"))
@click.argument("key", metavar="ID")
def pause(key: str) -> None:
    """Let a campaign dial nobody until it is resumed; calls in progress go on."""
    _act(key, lambda controls, found: controls.pause(found, "paused by hand"))


@campaign.command(epilog=_ACTION_EPILOG.format("cancel"))
@click.argument("key", metavar="ID")
def cancel(key: str) -> None:
    """End a campaign: nobody is dialled any more.

    Calls that are queued at Twilio, or ring, are taken back; conversations go on to their end.
    """
    _act(key, lambda controls, found: controls.cancel(found, "canceled by hand"))


@campaign.command(epilog="Example: parley campaign delete autumn --yes")
@click.argument("key", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(key: str, yes: bool) -> None:
    """Delete a campaign that does not run, with its contacts and attempts.

    The records of its calls stay: see parley calls delete.
    """
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError("nobody is there to be asked; give --yes")

    async def remove(opened: Opened) -> int:
        found = await opened.controls.find(key)
        contacts = (await opened.campaigns.progress(found.id)).contacts
        if not yes:
            what = f"Delete {found.spec.name!r} with {counted(contacts, 'contact')} for ever?"
            click.confirm(what, abort=True)
        await opened.controls.delete(found)
        return contacts

    click.echo(f"deleted a campaign with {counted(run(remove), 'contact')}")


def _act(key: str, act: Callable[[Controls, Campaign], Awaitable[Campaign]]) -> None:
    """Have something done to a campaign, and say how it stands then."""

    async def work(opened: Opened) -> Status:
        found = await opened.controls.find(key)
        return await opened.controls.status(await act(opened.controls, found))

    status = run(work)
    click.echo(f"{status.campaign.id} is {status.campaign.state}")
    for warning in status.warnings:
        click.echo(f"parley campaign: {warning}", err=True)


async def _statuses(opened: Opened, key: str | None) -> list[Status]:
    if key is not None:
        found = [await opened.controls.find(key)]
    else:
        every = await opened.campaigns.campaigns()
        found = [one for one in every if one.state not in TERMINAL_STATES]
    return [await opened.controls.status(one) for one in found]


async def _followed(
    opened: Opened, key: str | None, is_over: Callable[[Status], bool]
) -> AsyncIterator[list[Status]]:
    """Where campaigns stand, again and again, until all of them are over."""
    keys = [status.campaign.id for status in await _statuses(opened, key)]
    away_s = 0.0
    while True:
        try:
            found = [status for one in keys for status in await _statuses(opened, one)]
        except StoreUnavailable:
            # Who watches for hours has a Redis that is started anew once.
            if (away_s := away_s + REFRESH_S) > PATIENCE_S:
                raise
        else:
            away_s = 0.0
            yield found
            if all(map(is_over, found)):
                return
        await asyncio.sleep(REFRESH_S)


async def _awaited(opened: Opened, key: str | None) -> list[Status]:
    """How campaigns stand when all of them are over, or wait for somebody, who does not watch."""
    last: list[Status] = []
    async for found in _followed(opened, key, lambda status: status.over or status.stopped):
        last = found
    return last


async def _watch(opened: Opened, key: str | None) -> list[Status]:
    """Show where campaigns stand until all of them are over."""
    from rich.console import Group
    from rich.live import Live

    from .display import status_panel

    found: list[Status] = []
    with Live(console=console(wide=False), auto_refresh=False) as live:
        async for found in _followed(opened, key, lambda status: status.over):
            live.update(Group(*map(status_panel, found)), refresh=True)
    return found
