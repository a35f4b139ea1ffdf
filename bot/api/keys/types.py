"""PURE: what a key of the API allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["SCOPES", "ApiKey", "KeyLimits", "Scope"]

Scope = Literal["stt", "stats", "token"]
"""What a key may be for: sessions, the service's statistics, tokens for browsers."""

SCOPES: frozenset[Scope] = frozenset(get_args(Scope))


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much a key allows; None is no limit.

    Attributes:
        per_minute: requests: connections, chunks of audio, tokens.
        sessions: how many may be open at once.
        audio_s_per_day: seconds of audio between midnight and midnight, UTC.
    """

    per_minute: int | None = None
    sessions: int | None = None
    audio_s_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, as it is kept.

    Attributes:
        id: its public part.
        name: what its owner calls it.
        digest: of all of it.
        scopes, limits: what it allows.
        origins: the web pages that may use it, beside those of the settings.
        created_ms: since the epoch.
        used_ms: when it was used last, to the minute; None is never.
        revoked_ms: since when it is good for nothing; None while it is good.
    """

    id: str
    name: str
    digest: str = field(repr=False)
    scopes: frozenset[Scope]
    limits: KeyLimits
    origins: tuple[str, ...]
    created_ms: int
    used_ms: int | None = None
    revoked_ms: int | None = None

    def values(self) -> dict[str, Any]:
        """All about it that may be shown, as JSON values."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "per_minute": self.limits.per_minute,
            "sessions": self.limits.sessions,
            "audio_s_per_day": self.limits.audio_s_per_day,
            "origins": list(self.origins),
            "created_ms": self.created_ms,
            "used_ms": self.used_ms,
            "revoked_ms": self.revoked_ms,
        }
