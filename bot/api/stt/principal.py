"""PURE: who asks the speech-to-text service."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.api.keys.types import SCOPES, KeyLimits, Scope

__all__ = ["MASTER", "OPEN", "Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        key_id: of the key; "master" for PARLEY_API_KEY, "" where none is needed.
        scopes: what it is for.
        limits: how much it allows.
        origins: whose pages may use it, beside those that all keys share.
        only: whose pages alone may use it; None if that is not restricted.
    """

    key_id: str
    scopes: frozenset[Scope] = SCOPES
    limits: KeyLimits = field(default_factory=KeyLimits)
    origins: tuple[str, ...] = ()
    only: str | None = None

    @property
    def is_counted(self) -> bool:
        """Whether it has a key that was made, of which all that it does is counted."""
        return self.key_id not in {"", "master"}


MASTER = Principal("master")
OPEN = Principal("")
