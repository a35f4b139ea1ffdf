"""Who may use the speech-to-text service, and how much of it."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from bot.api.access import Access, check_local
from bot.api.keys.meter import BEAT_S, Meter
from bot.api.keys.secret import is_key, is_token
from bot.api.keys.store import KeyStore, Standing, Token
from bot.api.keys.types import ApiKey, Scope
from bot.api.keys.verifier import TooManyQuestions, Verifier
from bot.redis_link import StoreUnavailable
from bot.settings import Settings

from .credentials import PROTOCOL, WAYS, credential_in
from .faults import Fault
from .origins import Origins
from .principal import MASTER, OPEN, Principal

__all__ = ["MASTER", "OPEN", "Principal", "SttAccess"]

_TOKEN_SCOPES: frozenset[Scope] = frozenset({"stt"})
_CLOSED = (
    "the service is closed: make a key with `parley keys create NAME`, or set PARLEY_API_KEY; or,"
    " on this machine alone, use --dev with a PARLEY_PUBLIC_URL on loopback"
)
_AWAY = "keys cannot be looked up for now: try again soon"
_AGAIN_S = 1.0
SESSIONS_AGAIN_S = 5.0
"""After which it is worth asking whether a session has ended."""


class SttAccess:
    """The way into the service.

    Args:
        settings: PARLEY_API_KEY, PARLEY_STT_ORIGINS, and whether this is a development worker.
        keys: the keys that were made.
        worker: who we are.

    Attributes:
        origins: whose pages may use the service.
    """

    def __init__(self, settings: Settings, keys: KeyStore, *, worker: str) -> None:
        self.origins = Origins(settings)
        self._access = Access(settings)
        self._has_master = settings.api_key is not None
        self._keys = keys
        self._verifier = Verifier(keys)
        self._meter = Meter(keys, worker)
        self._standing: Standing | None = None

    async def run(self) -> None:
        """Count sessions and audio, and learn of new keys' origins, until cancelled."""
        while True:
            await self.exchange()
            await asyncio.sleep(BEAT_S)

    async def exchange(self) -> None:
        """Tell Redis what is used, and learn what others say; later, when it is away."""
        await self._meter.beat()
        with suppress(StoreUnavailable):
            self._standing = await self._keys.standing()
            self.origins.of_keys = self._standing.origins

    # Who

    async def admit(self, connection: HTTPConnection, scope: Scope) -> Principal:
        """Let pass whoever may do this.

        Args:
            connection: what was asked; a WebSocket that is not accepted yet, or a request.
            scope: what for.

        Raises:
            Fault: they may not, or not now.
        """
        credential = credential_in(connection)
        try:
            principal = await self._principal(credential, connection)
            self.origins.check(connection, principal)
            _check_scope(principal, scope)
            await self._take(principal)
        except StoreUnavailable:
            raise Fault("store_away", _AWAY, retry_after_s=_AGAIN_S) from None
        except TooManyQuestions as error:
            text = "too many unknown keys are sent here: try again soon"
            raise Fault("rate_limited", text, retry_after_s=_whole(error.retry_after_s)) from None
        return principal

    @property
    def keyless(self) -> bool:
        """Whether this machine's programs need no key."""
        return self._access.open

    def subprotocol(self, connection: HTTPConnection) -> str | None:
        """What the opening of a WebSocket is answered with; never what has the key."""
        offered: list[str] = connection.scope.get("subprotocols", [])
        return PROTOCOL if PROTOCOL in offered else None

    async def mint(self, principal: Principal, ttl_s: int, origin: str | None) -> str:
        """A token that stands for who asks, for so long, for pages of an origin or for anybody.

        Raises:
            Fault: store_away.
        """
        try:
            return await self._keys.mint(Token(principal.key_id, origin), ttl_s)
        except StoreUnavailable:
            raise Fault("store_away", _AWAY, retry_after_s=_AGAIN_S) from None

    async def _principal(self, credential: str | None, connection: HTTPConnection) -> Principal:
        found: Principal | None = None
        if credential is not None:
            if self._access.is_key(credential):
                return MASTER
            if is_key(credential):
                found = _of_key(await self._verifier.key(credential))
            elif is_token(credential):
                found = await self._of_token(await self._verifier.token(credential))
            elif self._access.open:
                found = self._local(connection)
        elif self._access.open:
            found = self._local(connection)
        if found is None:
            self._refuse(credential)
        return found

    def _local(self, connection: HTTPConnection) -> Principal:
        """Whoever is on this machine, where it is open."""
        try:
            check_local(connection, self.origins.listed)
        except HTTPException as error:
            allowed = sorted(self.origins.listed)
            text = f"{error.detail}; pages of other origins: add theirs to PARLEY_STT_ORIGINS"
            raise Fault("origin_refused", text, allowed=allowed) from None
        return OPEN

    async def _of_token(self, token: Token | None) -> Principal | None:
        if token is None:
            return None
        owner: Principal | None = None
        if token.key_id == MASTER.key_id:
            owner = MASTER if self._has_master else None
        elif token.key_id == OPEN.key_id:
            owner = OPEN if self._access.open else None
        else:
            owner = _of_key(await self._verifier.key_of(token.key_id))
        return owner and replace(owner, scopes=_TOKEN_SCOPES, only=token.origin)

    def _refuse(self, credential: str | None) -> NoReturn:
        closed = not (self._has_master or self._access.open)
        if closed and self._standing is not None and not self._standing.keys:
            raise Fault("forbidden", _CLOSED)
        if credential is None:
            raise Fault("unauthorized", "send a key or token", allowed=WAYS)
        text = "the key or token is wrong or was revoked, or the token has expired"
        raise Fault("unauthorized", text)

    async def _take(self, principal: Principal) -> None:
        if not principal.is_counted:
            return
        verdict = await self._verifier.take(principal.key_id)
        if verdict.kind == "gone":
            raise _revoked()
        if verdict.kind == "wait":
            wait_ms, per_minute = verdict.numbers
            raise Fault(
                "rate_limited",
                f"the key allows {per_minute} requests per minute",
                allowed={"per_minute": per_minute},
                retry_after_s=_whole(wait_ms / 1000),
            )

    # How much

    async def open_session(self, principal: Principal, session_id: str) -> None:
        """Count a session that begins, or goes on, here.

        Raises:
            Fault: too_many_sessions, quota_used_up, or unauthorized: the key was revoked.
        """
        if not principal.is_counted:
            return
        limits = principal.limits
        verdict = await self._meter.open(principal.key_id, session_id, limits.sessions)
        if verdict.kind == "gone":
            raise _revoked()
        if verdict.kind == "sessions":
            most = verdict.numbers[0]
            raise Fault(
                "too_many_sessions",
                f"the key allows {most} sessions at once: end one, or wait",
                allowed={"sessions": most},
                retry_after_s=SESSIONS_AGAIN_S,
            )
        if verdict.kind == "quota":
            quota_s, left_ms = verdict.numbers
            raise _used_up(quota_s, left_ms / 1000)

    def used(self, principal: Principal, session_id: str, audio_ms: float) -> None:
        """An open session has taken so much audio in all. Never waits.

        A session of which nothing is said for a while is not counted as open any more.
        """
        if principal.is_counted:
            self._meter.used(principal.key_id, session_id, int(audio_ms))

    async def close_session(self, principal: Principal, session_id: str) -> None:
        """A session is not open here any more."""
        if principal.is_counted:
            await self._meter.close(principal.key_id, session_id)

    def why_end(self, principal: Principal) -> Fault | None:
        """Why its sessions have to end, if they have to: quota_used_up, or unauthorized."""
        if self._meter.is_revoked(principal.key_id):
            return _revoked()
        quota_s = principal.limits.audio_s_per_day
        if quota_s is None or self._meter.used_ms(principal.key_id) < quota_s * 1000:
            return None
        return _used_up(quota_s, self._meter.left_s(principal.key_id))


def _of_key(key: ApiKey | None) -> Principal | None:
    return Principal(key.id, key.scopes, key.limits, key.origins) if key is not None else None


def _check_scope(principal: Principal, scope: Scope) -> None:
    if scope not in principal.scopes:
        held = " and ".join(sorted(principal.scopes))
        raise Fault("forbidden", f"this needs a key for {scope}; what was sent is for {held}")


def _revoked() -> Fault:
    return Fault("unauthorized", "the key was revoked")


def _used_up(quota_s: int, left_s: float) -> Fault:
    return Fault(
        "quota_used_up",
        f"the key allows {quota_s} seconds of audio a day (UTC), and they are used up",
        allowed={"audio_s_per_day": quota_s},
        retry_after_s=_whole(left_s),
    )


def _whole(wait_s: float) -> float:
    """What `Retry-After` may say: whole seconds, and no invitation to try again at once."""
    return float(max(1, math.ceil(wait_s)))
