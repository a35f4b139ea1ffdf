"""The options of `parley campaign create`: one for each field of a campaign, made from it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from bot.sources import Given

from .draft import named
from .spec import CampaignSpec

__all__ = ["flag_of", "given_by_options", "read_campaign_file", "spec_options"]

_FLAGS = {"from_numbers": "--from", "holidays": "--holiday"}
_REPEATED = {"from_numbers", "holidays", "retry"}
_METAVARS = {
    "from_numbers": "NUMBER",
    "holidays": "DATE|COUNTRY",
    "retry": "OUTCOME=SECONDS[xTIMES]",
    "window": "HH:MM-HH:MM",
    "days": "DAYS",
    "starts_at": "TIME",
    "ends_at": "TIME",
    "webhook_url": "URL",
    "do_not_call_digit": "KEY",
}


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each field; what it holds is checked with the whole."""
    for key, field in reversed(CampaignSpec.model_fields.items()):
        if key != "name":
            command = _option(key, field)(command)
    return command


def _option(key: str, field: FieldInfo) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag, about = flag_of(key), str(field.description)
    if field.annotation is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", key, default=None, help=about)
    repeated = key in _REPEATED
    if key == "from_numbers":
        about += "; repeat it for each"
    elif repeated:
        about = {"holidays": "A day without calls: a date, or a country's; repeat it for each"}.get(
            key, "When to call again after an outcome: busy=900, or busy=900x2; repeat it"
        )
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if default not in (None, (), {}):
        about += f"  [default: {','.join(default) if isinstance(default, tuple) else default}]"
    return click.option(flag, key, multiple=repeated, metavar=_metavar(key, field), help=about)


def _metavar(key: str, field: FieldInfo) -> str:
    """What its value is, in a word or by all that it may be."""
    if key in _METAVARS:
        return _METAVARS[key]
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    return "NUMBER" if field.annotation in (int, float, float | None) else "TEXT"


def given_by_options(options: Mapping[str, Any]) -> dict[str, Given]:
    """What the options say, by field.

    Raises:
        UsageError: `--retry` has another form.
    """
    given = {
        key: Given(flag_of(key), value) for key, value in options.items() if value not in (None, ())
    }
    if "retry" in given:
        plans = [*map(_retry, given["retry"].value)]
        retry = dict(plans)
        if len(retry) < len(plans):
            raise click.UsageError("--retry is there twice for one outcome")
        given["retry"] = Given(given["retry"].name, retry)
    return given


def read_campaign_file(path: Path) -> dict[str, Given]:
    """What the TOML file holds, by field.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{path} is no valid TOML: {error}") from None
    return named(values, f"{path.name}: ")


def flag_of(key: str) -> str:
    """The option of a field."""
    return _FLAGS.get(key, "--" + key.replace("_", "-"))


def _retry(text: str) -> tuple[str, dict[str, str]]:
    outcome, _, plan = text.partition("=")
    after_s, x, times = plan.partition("x")
    if not (after_s.isdecimal() and (times.isdecimal() or not x)):
        raise click.UsageError(f"--retry {text!r} is no plan; write busy=900, or busy=900x2")
    return outcome, {"after_s": after_s} | ({"times": times} if x else {})
