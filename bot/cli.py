"""The `parley` command: each subcommand is imported only when it is used."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import NoReturn

import click

__all__ = ["main"]

COMMANDS = {
    "demo": ("bot.demo.command:demo", "A whole call on this machine, with no account and no key."),
    "serve": ("bot.serve:serve", "Run the worker that answers calls."),
    "call": ("bot.phone.command:call", "Call a worker as Twilio would: the simulated phone."),
    "doctor": ("bot.doctor.command:doctor", "Check everything that calls need."),
    "calls": ("bot.records.command:calls", "List, show and delete records of calls."),
    "campaign": (
        "bot.campaign.command:campaign",
        "Call many people, each when they may be called, and none twice.",
    ),
    "keys": ("bot.api.keys.command:keys", "Make, list and revoke keys of the speech-to-text API."),
    "transcribe": ("bot.library.transcribe:transcribe", "Print what is said in audio files."),
    "synthesize": ("bot.library.synthesize:synthesize", "Speak a text into an audio file."),
    "voices": ("bot.library.voices:voices", "List the voices that can speak."),
    "providers": ("bot.library.providers:providers", "List and check the speech providers."),
    "bench": ("bot.bench.command:bench", "Measure this machine against the budgets."),
}


_UNWRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Why a file to which standard output goes takes no more."""


class LazyGroup(click.Group):
    """Knows its subcommands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="parley", prog_name="parley")
def cli() -> None:
    """Parley answers phone calls with a Python function.

    Try it on this machine:  parley demo
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line: exit 0 on success, 1 on failure, 2 on bad usage with one line."""
    try:
        code = cli.main(args=args, prog_name="parley", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        name = error.ctx.command_path if error.ctx is not None else "parley"
        click.echo(f"{name}: {error.format_message()} (see {name} --help)", err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"parley: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("parley: stopped", err=True)
        sys.exit(130)
    except OSError as error:
        if error.errno not in _UNWRITTEN:
            raise
        # What is still held back would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"parley: what was to be said cannot be written: {error.strerror}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
