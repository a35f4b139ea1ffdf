"""`parley campaign import` and `export`: contacts from a file, attempts into one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Literal

import click

from bot.shell import counted

from .access import Opened, run

if TYPE_CHECKING:
    from .export import Lost
    from .importing import Imported

__all__ = ["export", "import_"]

STDIN = Path("/dev/stdin")
JSON_LINES = {".jsonl", ".ndjson"}
_FIELDS = "number, name, time_zone, language, consent"


class _Mapping(click.ParamType[tuple[str, str]]):
    name = "FIELD=COLUMN"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        field, equals, column = str(value).partition("=")
        if not equals:
            self.fail(f"{value!r} is no mapping; write number=Mobile", param, ctx)
        return field, column


@click.command("import", epilog="Example: parley campaign import autumn people.csv --delimiter ';'")
@click.argument("key", metavar="ID")
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@click.option(
    "--column",
    "columns",
    type=_Mapping(),
    multiple=True,
    help=f"Which column holds a field ({_FIELDS}), if it has no usual name; repeat it.",
)
@click.option("--delimiter", metavar="CHARACTER", help="Between cells; tab for a tab.")
@click.option("--encoding", metavar="NAME", help="Of the file, if it is not UTF-8.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="Where rows that were not taken are listed with the reason.  [default: FILE.rejects.csv]",
)
def import_(
    key: str,
    file: Path,
    columns: tuple[tuple[str, str], ...],
    delimiter: str | None,
    encoding: str | None,
    rejects: Path | None,
) -> None:
    """Add the contacts of a CSV file, or of a file with a JSON object in each line (.jsonl).

    FILE may be -, standard input, which is CSV then. Columns that are no field are variables, which
    the dialog sees. A row with something wrong in it is not taken, nor is a number twice. To import
    the same file again changes nothing. Who is there and has a no to consent is not called any
    more.
    """
    from .importing import ContactsError, OptionError, RejectsFile, import_contacts, read_file

    file = STDIN if file == Path("-") else file
    if rejects is None and not file.is_file():
        raise click.UsageError("FILE is a pipe: say with --rejects where its rejects are listed")
    listed = rejects or file.with_name(file.name + ".rejects.csv")
    if listed.resolve() == file.resolve():
        raise click.UsageError("--rejects would write over FILE; name another file")
    kind: Literal["csv", "jsonl"] = "jsonl" if file.suffix.lower() in JSON_LINES else "csv"

    async def work(opened: Opened) -> Imported:
        found = await opened.controls.find(key)
        async with AsyncExitStack() as stack:
            tell = stack.enter_context(_progress(file))
            return await import_contacts(
                opened.campaigns,
                found,
                read_file(file),
                kind=kind,
                columns=dict(columns),
                delimiter=delimiter,
                encoding=encoding,
                rejects=await stack.enter_async_context(RejectsFile(listed)),
                on_progress=tell,
            )

    try:
        imported = run(work)
    except OptionError as error:
        raise click.UsageError(str(error)) from None
    except ContactsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(_said(imported))
    if imported.rejected:
        click.echo(f"rows that were not added, with the reason of each: {listed}")
    elif rejects is None:
        listed.unlink(missing_ok=True)


def _said(imported: Imported) -> str:
    withdrawn = f", {imported.withdrawn} not called any more" if imported.withdrawn else ""
    return (
        f"{counted(imported.rows, 'row')}: {imported.added} added, {imported.duplicates} there"
        f" already, {imported.do_not_call} on the do-not-call list{withdrawn},"
        f" {imported.invalid} not valid"
    )


@click.command(epilog="Example: parley campaign export autumn autumn.csv")
@click.argument("key", metavar="ID")
@click.argument(
    "file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), required=False
)
def export(key: str, file: Path | None) -> None:
    """Write every attempt, and each contact that was not called, as CSV; without FILE, or with -,
    to stdout.

    With outcome, times (UTC), durations, cost, transcript, and what the dialog put into its result.
    """
    from .export import export as pieces

    if file == Path("-"):
        file = None

    async def work(opened: Opened) -> None:
        found = await opened.controls.find(key)
        with _written(file) as write:
            async for piece in pieces(opened.campaigns, opened.calls, found, _tell):
                write(piece.encode())

    try:
        run(work)
    except BrokenPipeError:
        # Whoever reads it has enough; what is still buffered would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.ClickException("the table was not read to its end") from None
    except OSError as error:
        raise click.ClickException(
            f"{file or 'standard output'} cannot be written: {error.strerror}"
        ) from None


def _tell(lost: Lost) -> None:
    click.echo(f"parley campaign: {lost}", err=True)


@contextmanager
def _written(file: Path | None) -> Iterator[Callable[[bytes], object]]:
    """What writes into the file, which only its owner can read, and which is whole or not there."""
    if file is None or (file.exists() and not file.is_file()):
        with nullcontext(sys.stdout.buffer) if file is None else file.open("wb") as stream:
            yield stream.write
            stream.flush()
        return
    with NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as new:
        try:
            yield new.write
            new.flush()
            os.replace(new.name, file)
        except BaseException:
            os.unlink(new.name)
            raise


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[Imported], None] | None]:
    """What is told how far an import is, on a terminal."""
    from rich.console import Console

    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    from bot.library.bar import Bar

    whole = file.stat().st_size if file.is_file() else None
    with Bar(screen, file.name) as bar:
        yield lambda imported: bar(imported.bytes, whole)
