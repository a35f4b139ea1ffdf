"""What the worker's own settings may hold, where their types do not say it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from providers.setting_types import BaseUrl

__all__ = ["ApiUrl", "Directory", "DirectoryOrOff", "RedisUrl"]


def _without_path(url: str) -> str:
    if urlsplit(url).path:
        raise ValueError
    return url


def _redis_url(url: SecretStr) -> SecretStr:
    # redis-py finds these faults too, in a traceback with a part of the password, or never.
    text = url.get_secret_value()
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError when it is no number
    if parts.scheme == "unix":
        good = bool(parts.path)
    else:
        database = parts.path.removeprefix("/")
        good = bool(parts.hostname) and (not database or database.isdecimal())
    if not good or parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError
    # redis-py knows the scheme in lower case alone.
    return SecretStr(parts.scheme + text[len(parts.scheme) :])


def _off_is_none(value: object) -> object:
    return None if value == "off" else value


def _not_empty(value: object) -> object:
    # pathlib takes an empty path for the working directory.
    if value == "":
        raise ValueError
    return value


ApiUrl = Annotated[BaseUrl, AfterValidator(_without_path)]
"""As `BaseUrl`, without a path."""
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
# Absolute, because what is kept in a record must be found from other directories too.
Directory = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(Path.absolute)]
DirectoryOrOff = Annotated[Directory | None, BeforeValidator(_off_is_none)]
