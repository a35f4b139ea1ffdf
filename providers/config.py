"""The configuration of the speech library: a dictionary, a TOML or YAML file, the environment.

::

    stt_provider = ["deepgram", "soniox"]
    optimize_for = "latency"

    [deepgram]
    api_key = "..."
    model = "nova-3"

A table has the settings of a vendor: `model` in `[deepgram]` is what `DEEPGRAM_MODEL` is in the
environment. The rest is what `PARLEY_...` is there. What is written here wins over the environment.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field
from pydantic import ValidationError as PydanticError

from .errors import FileError, MissingKeyError, UnsupportedError
from .setting_types import SttNames, TtsNames
from .settings import SpeechSettings, VendorSettings, flattened

__all__ = ["LibrarySettings", "read_config", "variable_of"]

PREFIX = "PARLEY_"


class LibrarySettings(SpeechSettings):
    """All that the speech library may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stt_provider: SttNames = Field(default=(), description="recognizers, with commas")
    tts_provider: TtsNames = Field(default=(), description="synthesizers, with commas")


def read_config(
    config: Mapping[str, Any] | str | Path | None = None, env: Mapping[str, str] | None = None
) -> LibrarySettings:
    """The settings, of all sources together.

    Args:
        config: a dictionary, or the path of a `.toml`, `.yaml` or `.yml` file.
        env: the environment; None is the process's own.

    Raises:
        FileError: the file cannot be read.
        MissingKeyError: it is YAML, and the package that reads it is not installed.
        UnsupportedError: a setting does not exist, or holds what it may not.
    """
    given = config if isinstance(config, Mapping) else _read_file(config) if config else {}
    values = _environment(os.environ if env is None else env) | flattened(given)
    try:
        return LibrarySettings.model_validate(values)
    except PydanticError as error:
        raise UnsupportedError(
            "config", _problems(error), hint="correct it where it is set"
        ) from None


def variable_of(key: str) -> str:
    """The environment variable of a setting."""
    return key.upper() if key in VendorSettings.model_fields else PREFIX + key.upper()


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    """What is set there, under the names that settings have."""
    found = {}
    for key in LibrarySettings.model_fields:
        # An empty variable is how compose files and shells say "not set".
        if text := env.get(variable_of(key)):
            found[key] = text
    return found


def _read_file(path: str | Path) -> Mapping[str, Any]:
    path = Path(path)
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        held = _yaml(text)
    except OSError as error:
        raise FileError("config", f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # of TOML, YAML and UTF-8
        raise FileError("config", f"{path} cannot be read: {_first_line(error)}") from None
    if not isinstance(held, Mapping):
        raise FileError("config", f"{path} holds no settings", hint="write them as `name: value`")
    return held


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingKeyError(
            "config", "YAML cannot be read", hint="install parley[yaml], or write TOML"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"it is no YAML{where}") from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _problems(error: PydanticError) -> str:
    """What is wrong, with the names of settings and never with what they held: it may be a key."""
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        key = str(item["loc"][0])
        field = LibrarySettings.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, LibrarySettings.model_fields, n=1)
            lines.append(f"{key}: there is no such setting" + (f", but {near[0]}" if near else ""))
            continue
        said = item["msg"].removeprefix("Value error, ")
        wanted = said if said.startswith("one of: ") else field.description
        lines.append(f"{key} (or {variable_of(key)}): it may hold {wanted}")
    return "; ".join(lines)
