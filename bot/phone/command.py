"""`parley call`: the simulated phone from a shell."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bot.json_output import print_json
from bot.settings import Settings, SettingsError, is_loopback

from .artifacts import write_artifacts
from .clip import ClipError, load_clip
from .config import PhoneConfig
from .display import LiveLog, late_note, print_call, print_calls
from .identity import SIMULATED_ACCOUNT
from .report import call_report
from .result import Artifacts, CallResult
from .run import place_calls
from .steps import Step, StepsError, default_steps, load_steps
from .target import AddressError, split_address

__all__ = ["call"]

_FILE = click.Path(path_type=Path)
_MOST_CALLS = 1_000


class _Speed(click.ParamType[float]):
    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            speed = float(value)
        except ValueError:
            speed = math.nan
        if not 0.1 <= speed <= 20:
            self.fail(f"{value!r} is not a number from 0.1 to 20", param, ctx)
        return speed


@click.command(
    epilog="\b\nExample, with parley serve --dev running in another shell:\n"
    "  parley call hello.ulaw --json --out call-files"
)
@click.argument("audio", nargs=-1, type=_FILE)
@click.option("--steps", type=_FILE, help="TOML file that says what the caller does.")
@click.option(
    "--calls",
    type=click.IntRange(1, _MOST_CALLS),
    default=1,
    show_default=True,
    help="Make so many calls at the same time; --json then prints an array.",
)
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="URL",
    help="Connect here instead of to the public URL; the first of several that is ready is used.",
)
@click.option("--from", "from_number", default="+15550100001", show_default=True, metavar="NUMBER")
@click.option("--to", "to_number", default="+15550100002", show_default=True, metavar="NUMBER")
@click.option(
    "--speed", type=_Speed(), default=1.0, show_default=True, help="Run the phone's clock faster."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
@click.option("--out", type=_FILE, metavar="DIR", help="Leave recording, transcript, picture here.")
def call(
    audio: tuple[Path, ...],
    steps: Path | None,
    calls: int,
    urls: tuple[str, ...],
    from_number: str,
    to_number: str,
    speed: float,
    as_json: bool,
    out: Path | None,
) -> int:
    """Call a running worker as Twilio would, with no account and no key.

    The caller waits for the greeting, speaks each AUDIO file (.ulaw at 8 kHz, or .wav), hears the
    reply to each, and hangs up; or does what a --steps file says. The phone reads the same
    TWILIO_AUTH_TOKEN and PARLEY_PUBLIC_URL as the worker. Exits 1 when a call failed or the worker
    did something that Twilio would log as an error.
    """
    config = _config(urls, from_number, to_number, speed)
    script = _script(audio, steps)
    errors = Console(stderr=True)
    live = LiveLog(errors) if calls == 1 and errors.is_terminal and not as_json else None
    try:
        results = asyncio.run(place_calls(config, script, calls, on_event=live))
        files, notes = _leave(results, out)
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from None
    if as_json:
        _print_json(results, files)
        notes = [note for result in results for note in result.notes] + notes
    elif len(results) == 1:
        print_call(Console(), results[0], files[0])
    else:
        print_calls(Console(), results)
    for note in dict.fromkeys([*notes, *filter(None, [late_note(results)])]):
        click.echo(f"parley call: {note}", err=True)
    return 1 if any(result.failed for result in results) else 0


def _config(urls: tuple[str, ...], from_number: str, to_number: str, speed: float) -> PhoneConfig:
    try:
        hosts = [str(split_address(url).hostname) for url in urls]
        # One address and no public URL: it is that worker's own, as `serve --dev` takes it.
        own = len(hosts) == 1 and is_loopback(hosts[0])
        defaults = {"public_url": urls[0]} if own else {}
        settings = Settings.load(worker=False, defaults=defaults)
    except AddressError as error:
        raise click.UsageError(str(error)) from None
    except SettingsError as error:
        raise click.UsageError("; ".join(str(error).splitlines())) from None
    if not settings.auth_tokens:
        raise click.UsageError(
            "no auth token; set TWILIO_AUTH_TOKEN to the worker's, or start one with"
            " parley serve --dev"
        )
    return PhoneConfig(
        public_url=settings.public_url,
        auth_token=settings.auth_tokens[0],
        addresses=urls,
        account_sid=settings.twilio_account_sid or SIMULATED_ACCOUNT,
        from_number=from_number,
        to_number=to_number,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        speed=speed,
    )


def _script(audio: tuple[Path, ...], steps: Path | None) -> tuple[Step, ...]:
    if audio and steps is not None:
        raise click.UsageError("give AUDIO files or --steps, not both")
    try:
        if steps is not None:
            return load_steps(steps)
        return default_steps([load_clip(path) for path in audio])
    except (ClipError, StepsError) as error:
        raise click.UsageError(str(error)) from None


def _leave(results: Sequence[CallResult], out: Path | None) -> tuple[list[Artifacts], list[str]]:
    """Write each call's files; several calls have a folder each, named by their SIDs."""
    if out is None:
        return [Artifacts() for _ in results], []
    written = [
        write_artifacts(result, out if len(results) == 1 else out / result.call_sid)
        for result in results
    ]
    return [files for files, _ in written], [note for _, notes in written for note in notes]


def _print_json(results: Sequence[CallResult], files: Sequence[Artifacts]) -> None:
    reports = [call_report(*pair) for pair in zip(results, files, strict=True)]
    print_json(reports[0] if len(reports) == 1 else reports)
