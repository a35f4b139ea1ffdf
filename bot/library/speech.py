"""What the commands of the speech library have in common: settings, options, errors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from providers.errors import ProviderError
    from providers.processor import VoiceProcessor

__all__ = ["config_option", "json_option", "names", "run", "told"]

USAGE = "usage"
"""Where in the state directory it is kept what the library was used for, month by month."""

_Result = TypeVar("_Result")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def config_option(command: _Command) -> _Command:
    """Which file has the settings."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in TOML or YAML, in place of .env and parley.toml.",
    )(command)


def json_option(command: _Command) -> _Command:
    """For programs that read what is printed."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON on standard output and nothing else."
    )(command)


def names(given: str | None) -> tuple[str, ...]:
    """Providers, as they are named on the command line."""
    return tuple(name for part in (given or "").split(",") if (name := part.strip()))


def run(
    work: Callable[[VoiceProcessor], Coroutine[Any, Any, _Result]],
    *,
    stt: tuple[str, ...] = (),
    tts: tuple[str, ...] = (),
    config: Path | None = None,
) -> _Result:
    """Do something with the library, as the user has configured it.

    Args:
        work: what is to be done.
        stt: recognizers that were named.
        tts: synthesizers that were named.
        config: the file that was named.

    Raises:
        click.ClickException: it cannot be done; `click.UsageError` when the user must change
            something.
    """
    from bot.log import configure
    from providers.errors import ProviderError
    from providers.ledger import Ledger
    from providers.processor import VoiceProcessor

    configure("warning")
    given, state_dir = _given()
    ledger = Ledger(state_dir / USAGE)
    try:
        processor = VoiceProcessor(stt, tts, config or given, ledger=ledger)
        return asyncio.run(_within(processor, work))
    except ProviderError as error:
        raise told(error) from None


def told(error: ProviderError) -> click.ClickException:
    """An error, as a command says it."""
    from providers.errors import FileError, MissingKeyError, UnsupportedError, UnsupportedRateError

    usage = isinstance(error, FileError | MissingKeyError | UnsupportedError | UnsupportedRateError)
    return click.UsageError(str(error)) if usage else click.ClickException(str(error))


async def _within(
    processor: VoiceProcessor, work: Callable[[VoiceProcessor], Coroutine[Any, Any, _Result]]
) -> _Result:
    async with processor:
        return await work(processor)


def _given() -> tuple[dict[str, Any], Path]:
    """What the environment, `.env` and `parley.toml` say of the library; the state directory.

    Raises:
        click.UsageError: there is a setting that nobody knows.
    """
    from bot.settings import setting_variables
    from bot.sources import read_sources
    from bot.state_dir import default_state_dir
    from providers.config import LibrarySettings, variable_of

    fields = LibrarySettings.model_fields
    variables = setting_variables() | {variable_of(key): key for key in fields}
    sources = read_sources(variables, os.environ, {})
    if sources.problems:
        raise click.UsageError("; ".join(map(str, sources.problems)))
    given = {key: item.value for key, item in sources.given.items()}
    state_dir = Path(given.get("state_dir") or default_state_dir(os.environ))
    return {key: value for key, value in given.items() if key in fields}, state_dir
