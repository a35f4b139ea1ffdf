"""PURE: what this worker's sessions take of their keys, as far as it is known here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Ledger"]

SILENT_S = 15.0
"""A session of which nothing is said for so long is none of this worker's any more."""
MOST_CLOSED = 10_000
"""Sessions whose end Redis is still to be told of."""


@dataclass(slots=True)
class _Session:
    """One session: how far its audio is, and is told to be, in ms, and when it was heard of."""

    audio_ms: int
    told_ms: int
    heard_s: float


@dataclass(slots=True)
class _Key:
    """One key: its sessions here, and what all workers have used of it today, as Redis said."""

    sessions: dict[str, _Session] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    revoked: bool = False
    shared_ms: int = 0
    until_s: float = 0.0


class Ledger:
    """Counts by key. Times in s are on one clock that never goes back."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}

    @property
    def keys(self) -> list[str]:
        """Those that have something to tell Redis."""
        return list(self._keys)

    def count(self, key_id: str) -> int:
        """How many sessions of a key are open here."""
        key = self._keys.get(key_id)
        return len(key.sessions) if key is not None else 0

    def open(self, key_id: str, session_id: str, told_ms: int, now_s: float) -> None:
        """A session begins, or goes on, of which Redis has counted so much audio."""
        key = self._keys.setdefault(key_id, _Key())
        key.closed.pop(session_id, None)
        session = key.sessions.setdefault(session_id, _Session(told_ms, told_ms, now_s))
        session.heard_s = now_s

    def used(self, key_id: str, session_id: str, audio_ms: int, now_s: float) -> None:
        """A session has taken so much audio in all."""
        key = self._keys.setdefault(key_id, _Key())
        session = key.sessions.setdefault(session_id, _Session(0, 0, now_s))
        session.audio_ms = max(session.audio_ms, audio_ms)
        session.heard_s = now_s

    def close(self, key_id: str, session_id: str) -> int | None:
        """A session is not open here any more.

        Returns how much audio it took in all; None if it was not open here.
        """
        key = self._keys.get(key_id)
        session = key.sessions.pop(session_id, None) if key is not None else None
        if key is None or session is None:
            return None
        key.closed[session_id] = session.audio_ms
        while len(key.closed) > MOST_CLOSED:
            del key.closed[next(iter(key.closed))]
        return session.audio_ms

    def told_closed(self, key_id: str, session_id: str) -> None:
        """Redis knows that a session is closed."""
        if (key := self._keys.get(key_id)) is not None:
            key.closed.pop(session_id, None)

    def closed(self, key_id: str) -> dict[str, int]:
        """The sessions whose end Redis is still to be told of, and how much audio each took."""
        return dict(self._keys[key_id].closed)

    def let_go(self, key_id: str, now_s: float) -> None:
        """Close the sessions of a key of which nothing was said for a while."""
        sessions = self._keys[key_id].sessions
        for session_id in [one for one in sessions if now_s - sessions[one].heard_s > SILENT_S]:
            self.close(key_id, session_id)

    def open_here(self, key_id: str) -> list[str]:
        """The open sessions of a key."""
        return list(self._keys[key_id].sessions)

    def audio_of(self, key_id: str, session_ids: Iterable[str]) -> dict[str, int]:
        """How much audio each of these sessions has taken, but for those that are closed."""
        sessions = self._keys[key_id].sessions
        return {one: sessions[one].audio_ms for one in session_ids if one in sessions}

    def answered(
        self, key_id: str, told: Mapping[str, int], lost: Iterable[str], *, revoked: bool
    ) -> None:
        """Redis has counted `told`; of these, other workers have what is `lost`."""
        key = self._keys.get(key_id)
        if key is None:
            return
        key.revoked = revoked
        for session_id in lost:
            key.sessions.pop(session_id, None)
        for session_id, audio_ms in told.items():
            if (session := key.sessions.get(session_id)) is not None:
                session.told_ms = max(session.told_ms, audio_ms)

    def shared(self, key_id: str, audio_ms: int, until_s: float) -> None:
        """All workers have used so much of a key today, and today ends then."""
        if (key := self._keys.get(key_id)) is not None:
            key.shared_ms, key.until_s = audio_ms, until_s

    def settle(self) -> None:
        """Forget keys of which nothing is open and all is told."""
        self._keys = {name: key for name, key in self._keys.items() if key.sessions or key.closed}

    def is_revoked(self, key_id: str) -> bool:
        """Whether a key is known to be."""
        key = self._keys.get(key_id)
        return key is not None and key.revoked

    def used_ms(self, key_id: str, now_s: float) -> int:
        """How much audio of today is used, as far as it is known here."""
        key = self._keys.get(key_id)
        if key is None:
            return 0
        fresh_ms = sum(one.audio_ms - one.told_ms for one in key.sessions.values())
        return fresh_ms + (key.shared_ms if now_s < key.until_s else 0)

    def left_s(self, key_id: str, now_s: float) -> float:
        """How much of today is left, as far as it is known here."""
        key = self._keys.get(key_id)
        return max(0.0, key.until_s - now_s) if key is not None else 0.0
