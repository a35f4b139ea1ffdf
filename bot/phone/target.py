"""PURE: addresses: the public one and those of the workers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

__all__ = ["AddressError", "Target", "split_address"]


class AddressError(ValueError):
    """An address that is not http:// or https:// with a host."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where one worker takes connections; `path` is what its paths begin with."""

    tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def at(cls, url: str) -> Target:
        """Read an address.

        Raises:
            AddressError: it is none.
        """
        parts = split_address(url)
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        return cls(tls, str(parts.hostname), port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def http_url(self) -> str:
        """What a request's path is appended to."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"


def split_address(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        AddressError: it is none.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise AddressError(f"{url!r} is no address; write it as http://host:port") from None
    return parts
