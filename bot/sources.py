"""Where settings are written: the command line, the environment, `.env` and the TOML file.

Each value keeps the name under which the user wrote it, so that an error can say it. That, unknown
names found with the nearest right one, and a start that is a tenth of a second shorter, are why
this is not pydantic-settings.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from providers.settings import flattened

from .numbers import NumberTable

__all__ = ["Given", "Problem", "Sources", "read_sources"]

PREFIX = "PARLEY_"
CONFIG_VARIABLE = "PARLEY_CONFIG"
DEFAULT_CONFIG = Path("parley.toml")
DOTENV = Path(".env")


@dataclass(frozen=True, slots=True)
class Given:
    """A value and the name under which the user wrote it."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: its name as written, what is wrong, what it may hold."""

    name: str
    fault: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.fault}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(slots=True)
class Sources:
    """What was found: the value of each setting that was given, the numbers' tables, problems."""

    given: dict[str, Given] = field(default_factory=dict)
    numbers: dict[str, Given] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_sources(
    variables: Mapping[str, str], env: Mapping[str, str], overrides: Mapping[str, Any]
) -> Sources:
    """Gather the settings; the command line wins over the environment, `.env` and the TOML file.

    Args:
        variables: environment variable → setting, for every setting there is.
        env: the environment.
        overrides: setting → value from the command line; None is not given.
    """
    sources = Sources()
    dotenv = _read_dotenv(sources)
    path, required = _config_path(env, dotenv)
    _read_toml(sources, path, set(variables.values()), required)
    for written, origin in ((dotenv, " in .env"), (env, "")):
        _read_variables(sources, variables, written, origin)
    for key, value in overrides.items():
        if value is not None:
            sources.given[key] = Given("--" + key.replace("_", "-"), value)
    return sources


def _read_dotenv(sources: Sources) -> dict[str, str]:
    try:
        return {name: text for name, text in dotenv_values(DOTENV).items() if text is not None}
    except (OSError, UnicodeDecodeError) as error:
        sources.problems.append(Problem(str(DOTENV), f"cannot be read: {error}"))
        return {}


def _config_path(env: Mapping[str, str], dotenv: Mapping[str, str]) -> tuple[Path, bool]:
    named = env.get(CONFIG_VARIABLE) or dotenv.get(CONFIG_VARIABLE)
    return (Path(named), True) if named else (DEFAULT_CONFIG, False)


def _read_variables(
    sources: Sources, variables: Mapping[str, str], written: Mapping[str, str], origin: str
) -> None:
    for variable, text in written.items():
        if variable in variables:
            # An empty variable is how compose files and shells say "not set".
            if text:
                sources.given[variables[variable]] = Given(variable + origin, text)
        elif variable.startswith(PREFIX) and variable != CONFIG_VARIABLE:
            sources.problems.append(_unknown(variable + origin, variable, variables))


def _read_toml(sources: Sources, path: Path, settings: set[str], required: bool) -> None:
    try:
        tables = flattened(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        if required:
            sources.problems.append(Problem(CONFIG_VARIABLE, f"there is no file {str(path)!r}"))
        return
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        sources.problems.append(Problem(str(path), f"cannot be read: {error}"))
        return
    numbers = tables.pop("numbers", {})
    _take(sources, tables, f"{path.name}: ", settings, [*settings, "numbers"])
    if not isinstance(numbers, dict) or not all(isinstance(t, dict) for t in numbers.values()):
        remedy = 'write tables such as [numbers."+15551234567"]'
        sources.problems.append(Problem(f"{path.name}: numbers", "is not made of tables", remedy))
        return
    # What the default's table holds may as well stand at the top of the file.
    own = NumberTable.model_fields
    _take(sources, numbers.pop("default", {}), f"{path.name}: numbers.default.", own, own)
    for number, table in numbers.items():
        sources.numbers[number] = Given(f'{path.name}: numbers."{number}"', table)


def _take(
    sources: Sources,
    table: dict[str, Any],
    place: str,
    settings: Container[str],
    known: Iterable[str],
) -> None:
    """Take the settings of a table; `known` is what else may have been meant by what is none."""
    for key, value in table.items():
        if key in settings:
            sources.given[key] = Given(place + key, value)
        else:
            sources.problems.append(_unknown(place + key, key, known))


def _unknown(name: str, key: str, known: Iterable[str]) -> Problem:
    near = difflib.get_close_matches(key, list(known), n=1)
    remedy = f"did you mean {near[0]}?" if near else "remove it, or look for its right name"
    return Problem(name, "there is no such setting", remedy)
