"""What settings may hold, where their own types do not say it: URLs, secrets, directories."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

__all__ = [
    "ApiUrl",
    "BaseUrl",
    "Directory",
    "DirectoryOrOff",
    "HeaderSecret",
    "PublicUrl",
    "RedisUrl",
    "Secret",
    "SocketUrl",
    "is_loopback",
]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _public_url(url: str) -> str:
    parts = urlsplit(url)  # writes the scheme in lower case
    host = parts.hostname
    _ = parts.port  # raises ValueError when it is no number
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def _api_url(url: str) -> str:
    good = _public_url(url)
    if urlsplit(good).path:
        raise ValueError
    return good


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError when it is no number
    host = parts.hostname
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    if not parts.path.strip("/"):
        raise ValueError
    if parts.scheme != "wss" and not (parts.scheme == "ws" and is_loopback(host)):
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


def _secret(secret: SecretStr) -> SecretStr:
    # What is read from a file ends with its line's end.
    value = secret.get_secret_value().strip()
    # Whoever knows nothing knows an empty one.
    if not value:
        raise ValueError
    return SecretStr(value)


def _header_secret(secret: SecretStr) -> SecretStr:
    # A header can hold nothing else, and whoever finds that out on sending might repeat it.
    if any(not "!" <= character <= "~" for character in secret.get_secret_value()):
        raise ValueError
    return secret


def _off_is_none(value: object) -> object:
    return None if value == "off" else value


def _not_empty(value: object) -> object:
    # pathlib takes an empty path for the working directory.
    if value == "":
        raise ValueError
    return value


PublicUrl = Annotated[str, AfterValidator(_public_url)]
"""https://, or http:// on loopback; scheme and host in lower case, without a slash at the end."""
ApiUrl = Annotated[str, AfterValidator(_api_url)]
"""As `PublicUrl`, without a path."""
SocketUrl = Annotated[str, AfterValidator(_socket_url)]
"""wss://, or ws:// on loopback; with a path, without user, query or fragment."""
BaseUrl = Annotated[str, AfterValidator(_public_url)]
"""A vendor's API: https://, or http:// on loopback; without a slash at the end."""
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
"""Not empty; white space around it is left out."""
HeaderSecret = Annotated[Secret, AfterValidator(_header_secret)]
"""As `Secret`, in printable ASCII without spaces: an HTTP header holds it as it is."""
# Absolute, because what is kept in a record must be found from other directories too.
Directory = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(Path.absolute)]
DirectoryOrOff = Annotated[Directory | None, BeforeValidator(_off_is_none)]
