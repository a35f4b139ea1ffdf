"""`parley campaign do-not-call`: the numbers that no campaign dials."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bot.json_output import print_json
from bot.shell import counted

from .access import NoCampaigns, Opened, run
from .do_not_call import SOURCE_COMMAND, listed_numbers
from .phone import number_of

__all__ = ["do_not_call"]


class _Number(click.ParamType[str]):
    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if (number := number_of(str(value))) is None:
            self.fail(f"{value!r} is no number; write +15551234567", param, ctx)
        return number


@click.group("do-not-call", epilog="Example: parley campaign do-not-call add +15551234567")
def do_not_call() -> None:
    """The numbers that no campaign dials.

    Who asks for it during a call, by word or key, is put on the list by the dialog.
    """


@do_not_call.command(epilog="Example: parley campaign do-not-call add +15551234567")
@click.argument("numbers", metavar="NUMBER...", type=_Number(), nargs=-1, required=True)
def add(numbers: tuple[str, ...]) -> None:
    """Put numbers on the list; what is due to be dialled in any campaign is not dialled then."""

    async def work(opened: Opened) -> int:
        return sum([await opened.campaigns.do_not_call(n, SOURCE_COMMAND) for n in numbers])

    new = run(work, make=True)
    click.echo(f"{counted(new, 'number')} added, {len(numbers) - new} there already")


@do_not_call.command(epilog="Example: parley campaign do-not-call remove +15551234567")
@click.argument("numbers", metavar="NUMBER...", type=_Number(), nargs=-1, required=True)
def remove(numbers: tuple[str, ...]) -> int:
    """Take numbers off the list."""

    async def work(opened: Opened) -> list[str]:
        return [number for number in numbers if not await opened.campaigns.allow(number)]

    absent = run(work)
    for number in absent:
        click.echo(f"parley campaign: {number} is not on the list", err=True)
    click.echo(f"{counted(len(numbers) - len(absent), 'number')} removed")
    return 1 if absent else 0


@do_not_call.command("list", epilog="Example: parley campaign do-not-call list > never.csv")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /api/do-not-call has it.")
def list_(as_json: bool) -> None:
    """Print the list as CSV, in no order: number, who asked for it, and when (UTC)."""
    from .cells import csv_line

    async def work(opened: Opened) -> None:
        if as_json:
            found = [
                {"number": number, **entry} async for number, entry in opened.campaigns.refused()
            ]
            print_json({"numbers": found})
            return
        # Before the heading: a list of nobody is not to be taken for one, without a Redis.
        await opened.campaigns.now_ms()
        click.echo(csv_line(["number", "source", "at"]).encode(), nl=False)
        async for number, entry in opened.campaigns.refused():
            at = datetime.fromtimestamp(entry["at_ms"] / 1000, UTC).isoformat(" ", "seconds")
            click.echo(csv_line([number, str(entry["source"]), at]).encode(), nl=False)

    try:
        run(work)
    except NoCampaigns as error:
        click.echo(f"parley campaign: {error.message}", err=True)


@do_not_call.command("import", epilog="Example: parley campaign do-not-call import never.csv")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_(file: Path) -> int:
    """Put the numbers of a file on the list: one in each line, before the first comma or semicolon.

    A heading in the first line is left out. What is no number is said, line by line; then this
    exits 1, for nobody should believe that it was taken.
    """

    async def work(opened: Opened) -> tuple[int, int, int]:
        new = known = wrong = 0
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            for line, number in listed_numbers(lines):
                if number is None:
                    wrong += 1
                    click.echo(f"parley campaign: {file}:{line} is no number", err=True)
                elif await opened.campaigns.do_not_call(number, SOURCE_COMMAND):
                    new += 1
                else:
                    known += 1
        return new, known, wrong

    try:
        new, known, wrong = run(work, make=True)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    click.echo(f"{counted(new, 'number')} added, {known} there already, {wrong} not valid")
    return 1 if wrong else 0
