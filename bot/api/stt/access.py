"""Who may use the speech-to-text service, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from bot.api.access import Access, check_local
from bot.api.keys.types import SCOPES, KeyLimits, Scope
from bot.settings import Settings

from .faults import Fault

__all__ = ["MASTER", "OPEN", "PROTOCOL", "Principal", "SttAccess"]

PROTOCOL = "parley.stt.v1"
"""The WebSocket subprotocol that the service speaks."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        key_id: of the key; "master" for PARLEY_API_KEY, "" where none is needed.
        scopes: what it is for.
        limits: how much it allows.
    """

    key_id: str
    scopes: frozenset[Scope] = SCOPES
    limits: KeyLimits = field(default_factory=KeyLimits)


MASTER = Principal("master")
OPEN = Principal("")


class SttAccess:
    """The way into the service.

    Args:
        settings: PARLEY_API_KEY, and whether this is a development worker.
    """

    def __init__(self, settings: Settings) -> None:
        self._access = Access(settings)
        self._origins = frozenset(settings.stt_origins)

    async def admit(self, connection: HTTPConnection, scope: Scope) -> Principal:
        """Let pass whoever may do this.

        Args:
            connection: what was asked; a WebSocket that is not accepted yet, or a request.
            scope: what for.

        Raises:
            Fault: they may not, or not now.
        """
        if self._access.open:
            try:
                check_local(connection, self._origins)
            except HTTPException as error:
                raise Fault("origin_refused", error.detail) from None
            return OPEN
        _, _, given = connection.headers.get("authorization", "").partition(" ")
        if self._access.is_key(given.strip()):
            return MASTER
        raise Fault("unauthorized", "the key is missing or wrong")

    def subprotocol(self, connection: HTTPConnection) -> str | None:
        """What the opening of a WebSocket is answered with; never what has the key."""
        offered: list[str] = connection.scope.get("subprotocols", [])
        return PROTOCOL if PROTOCOL in offered else None

    async def open_session(self, principal: Principal, session_id: str) -> None:
        """Count a session that begins, or goes on, here.

        Raises:
            Fault: too_many_sessions, or quota_used_up.
        """

    def used(self, principal: Principal, session_id: str, audio_ms: float) -> None:
        """An open session has taken so much audio in all. Never waits.

        A session of which nothing is heard for a while is not counted as open any more.
        """

    async def close_session(self, principal: Principal, session_id: str) -> None:
        """A session is not open here any more."""

    def why_end(self, principal: Principal) -> Fault | None:
        """Why its sessions have to end, if they have to: quota_used_up, unauthorized (revoked)."""
        return None

    def over_quota(self, principal: Principal) -> bool:
        """Whether its audio of today is used up."""
        fault = self.why_end(principal)
        return fault is not None and fault.code == "quota_used_up"
