"""`parley doctor`: is everything there that calls need?"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from bot.json_output import print_json

if TYPE_CHECKING:
    from bot.settings import Settings

    from .finding import Finding

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


class _Number(click.ParamType[str]):
    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # Imported here: --help has no need of pydantic.
        from bot.numbers import PHONE_NUMBER

        if not re.fullmatch(PHONE_NUMBER, value):
            self.fail(f"{value!r} is no phone number; write it as +15551234567", param, ctx)
        return str(value)


@click.command(epilog="Example: parley doctor --fix +15551234567")
@click.option(
    "--fix",
    type=_Number(),
    multiple=True,
    help="Have this number of the Twilio account send its calls here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, nothing else.")
def doctor(fix: tuple[str, ...], as_json: bool) -> int:
    """Check everything that calls need, from the settings to Twilio's side of the numbers.

    Each line says what was looked at, how it is, and what to change. It asks a running worker as
    Twilio would, through the public address, but stores nothing; the worker's log will show one
    webhook and one stream that were refused. Exits 1 when something would keep calls from being
    answered.
    """
    from bot.settings import SettingsError

    from .finding import Level, failure

    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            _print(finding)

    try:
        settings = _settings()
    except SettingsError as error:
        for problem in error.problems:
            tell(failure("settings", f"{problem.name}: {problem.fault}", problem.remedy))
    else:
        if fix and not settings.rest_configured:
            raise click.UsageError("--fix needs TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
        _examine(settings, fix, tell)
    failed = any(finding.level is Level.FAILURE for finding in found)
    if as_json:
        print_json({"ok": not failed, "findings": found})
    return 1 if failed else 0


def _settings() -> Settings:
    from bot.log import configure
    from bot.settings import Settings

    settings = Settings.load(worker=False)
    # What is wrong is said by the findings.
    configure("critical")
    return settings


def _examine(settings: Settings, fix: tuple[str, ...], tell: Any) -> None:
    from .examination import examine

    # What a dialog prints when it is imported is not a part of the answer.
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):

        def tell_out(finding: Finding) -> None:
            with contextlib.redirect_stdout(out):
                tell(finding)

        asyncio.run(examine(settings, fix, tell_out))


def _print(finding: Finding) -> None:
    level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    click.echo(f"{level} {finding.check:<10} {finding.text}{remedy}")
