"""What settings may hold, where their own types do not say it: addresses and secrets."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from .catalog import STT, TTS
from .loopback import LOCAL_HOSTS

__all__ = [
    "BaseUrl",
    "HeaderSecret",
    "Secret",
    "SocketUrl",
    "SttNames",
    "Text",
    "TtsNames",
    "is_loopback",
    "known_stt",
    "known_tts",
    "listed",
]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`, a name or an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _base_url(url: str) -> str:
    url = url.strip()
    # urlsplit leaves some of these out, as if nobody had written them, and takes the others.
    if not url.isprintable() or " " in url:
        raise ValueError
    parts = urlsplit(url)  # writes the scheme in lower case
    host = parts.hostname
    _ = parts.port  # raises ValueError when it is no number
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOCAL_HOSTS):
        raise ValueError
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError when it is no number
    host = parts.hostname
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError
    if not parts.path.strip("/"):
        raise ValueError
    if parts.scheme != "wss" and not (parts.scheme == "ws" and host in LOCAL_HOSTS):
        raise ValueError
    return url


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


def listed(names: str) -> tuple[str, ...]:
    """What a variable holds, `deepgram, soniox`, one by one."""
    return tuple(name.strip() for name in names.split(","))


def _in_order(value: object) -> object:
    return listed(value) if isinstance(value, str) else value


def known_stt(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those recognizers, if the catalogue has them.

    Raises:
        ValueError: it has not, or one is named twice.
    """
    return _each_of(names, STT)


def known_tts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those synthesizers; as `known_stt`."""
    return _each_of(names, TTS)


def _each_of(names: tuple[str, ...], table: dict[str, str]) -> tuple[str, ...]:
    if len({*names}) < len(names) or not {*names} <= {*table}:
        raise ValueError(f"one of: {', '.join(sorted(table))}; or several, each once, with commas")
    return names


Text = Annotated[str, Field(min_length=1)]
"""Not empty."""
BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""https://, or http:// on loopback; scheme and host in lower case, without a slash at the end."""
SocketUrl = Annotated[str, AfterValidator(_socket_url)]
"""wss://, or ws:// on loopback; with a path, without user, query or fragment."""
Secret = Annotated[SecretStr, AfterValidator(_secret)]
"""Not empty; white space around it is left out."""
HeaderSecret = Annotated[Secret, AfterValidator(_header_secret)]
"""As `Secret`, in printable ASCII without spaces: an HTTP header holds it as it is."""
SttNames = Annotated[tuple[str, ...], BeforeValidator(_in_order), AfterValidator(known_stt)]
"""Recognizers of the catalogue, in the order in which they are tried."""
TtsNames = Annotated[tuple[str, ...], BeforeValidator(_in_order), AfterValidator(known_tts)]
"""Likewise synthesizers."""
