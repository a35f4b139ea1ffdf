"""The API's keys in Redis, and what is counted of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import orjson

from bot.metrics import Metrics
from bot.redis_link import RedisLink, StoreError
from bot.store_keys import Keys

from .draft import KeyDraft
from .scripts import BEAT, CLOSE, CREATE, LIST, OPEN, REVOKE, TAKE
from .secret import SECRET_BYTES, digest_of, is_id, written_key, written_token
from .types import ApiKey, KeyLimits, Scope

__all__ = ["Beat", "KeyStore", "ListedKey", "NewKey", "Standing", "Token", "TooManyKeys", "Verdict"]

MOST_KEYS = 1000
DEADLINE_S = 0.3
CONNECTIONS = 8
LEASE_MS = 20_000
"""A session whose worker says nothing for so long is not open any more."""


class TooManyKeys(StoreError):
    """There are as many keys as there may be."""

    def __init__(self) -> None:
        super().__init__(f"there are {MOST_KEYS} keys: revoke some, and wait until they are gone")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made; `text` is all of it, which is not kept."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key, and what is used of it."""

    key: ApiKey
    open_sessions: int
    audio_ms_today: int

    def values(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        used = {"open_sessions": self.open_sessions, "audio_s_today": self.audio_ms_today / 1000}
        return {**self.key.values(), **used}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token stands for: a key, used by pages of `origin`, or by anybody."""

    key_id: str
    origin: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many keys there are, and whose pages may use one of them."""

    keys: int
    origins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of asking for something that is limited.

    Attributes:
        kind: it is granted (`taken`, `open`), used up, or the key is `gone`: revoked perhaps.
        numbers: what belongs to that: see the scripts.
    """

    kind: Literal["taken", "wait", "open", "sessions", "quota", "gone"]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Beat:
    """What is answered when sessions are counted.

    Attributes:
        revoked: whether the key is.
        audio_ms: used today.
        left_ms: of today.
        lost: sessions that have gone over to other workers.
    """

    revoked: bool
    audio_ms: int
    left_ms: int
    lost: frozenset[str]


class KeyStore:
    """Keeps keys.

    Args:
        url, prefix: of Redis, as the store's.
        metrics: where failures are counted.
        deadline_s: for every question. All methods but `aclose` raise `StoreUnavailable`.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "parley:",
        metrics: Metrics | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._link = RedisLink(url, metrics or Metrics(), deadline_s, connections=CONNECTIONS)
        self._keys = Keys(prefix)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._link.aclose()

    # Keys

    async def create(self, draft: KeyDraft) -> NewKey:
        """Make a key.

        Raises:
            TooManyKeys: there are too many.
        """
        key_id = secrets.token_hex(6)
        text = written_key(key_id, secrets.token_bytes(SECRET_BYTES))
        fields = _fields(draft, digest_of(text))
        keys = [self._keys.api_keys, self._keys.api_key(key_id), self._keys.api_origins]
        values = [key_id, MOST_KEYS, " ".join(draft.origins), *fields]
        created_ms = await self._link.eval(CREATE, keys, values)
        if created_ms < 0:
            raise TooManyKeys
        if not created_ms:  # one id in 2^48 is taken
            return await self.create(draft)
        key = ApiKey(
            id=key_id,
            name=draft.name,
            digest=digest_of(text),
            scopes=draft.scopes,
            limits=draft.limits,
            origins=draft.origins,
            created_ms=created_ms,
        )
        return NewKey(key, text)

    async def list(self) -> list[ListedKey]:
        """All keys, newest first; revoked ones for some weeks."""
        keys = [self._keys.api_keys, self._keys.api_key_base]
        return [
            ListedKey(_key(key_id.decode(), _paired(fields)), open_sessions, audio_ms)
            for key_id, fields, open_sessions, audio_ms in await self._link.eval(LIST, keys, [])
        ]

    async def find(self, key_id: str) -> ApiKey | None:
        """A key that is good; None if there is none of that id."""
        name = self._keys.api_key(key_id)
        fields = await self._link.ask(lambda redis: cast(Any, redis.hgetall(name)))
        key = _key(key_id, fields) if fields else None
        return None if key is None or key.revoked_ms is not None else key

    async def revoke(self, key_id: str) -> bool:
        """Have a key be good for nothing from now on; false if there is none of that id."""
        if not is_id(key_id):  # it could be a part of the name of another key of Redis
            return False
        keys = [self._keys.api_key(key_id), self._keys.api_origins]
        return bool(await self._link.eval(REVOKE, keys, []))

    async def standing(self) -> Standing:
        """What everybody has to know of all keys."""
        index, origins = self._keys.api_keys, self._keys.api_origins

        async def ask(redis: Any) -> tuple[int, list[bytes]]:
            return await redis.zcard(index), await redis.hkeys(origins)

        count, found = await self._link.ask(ask)
        return Standing(count, frozenset(origin.decode() for origin in found))

    # What is counted

    async def take(self, key_id: str) -> Verdict:
        """Ask for one request of the key's minute."""
        keys = [self._keys.api_key(key_id), self._keys.api_key(key_id, "rate")]
        return _verdict(await self._link.eval(TAKE, keys, []))

    async def open(self, key_id: str, session_id: str, worker: str) -> Verdict:
        """Ask for a session."""
        keys = [
            self._keys.api_key(key_id),
            *(self._keys.api_key(key_id, part) for part in ("open", "audio")),
            self._mark(key_id, session_id),
        ]
        return _verdict(await self._link.eval(OPEN, keys, [session_id, worker, LEASE_MS]))

    async def beat(self, key_id: str, worker: str, sessions: Mapping[str, int]) -> Beat:
        """Count how much audio each session has taken in all, in ms, and hold its place."""
        keys = [
            self._keys.api_key(key_id),
            *(self._keys.api_key(key_id, part) for part in ("open", "audio")),
            *(self._mark(key_id, session_id) for session_id in sessions),
        ]
        told = [part for item in sessions.items() for part in item]
        revoked, audio_ms, left_ms, *lost = await self._link.eval(
            BEAT, keys, [worker, LEASE_MS, *told]
        )
        return Beat(bool(revoked), audio_ms, left_ms, frozenset(name.decode() for name in lost))

    async def close(self, key_id: str, session_id: str, worker: str, audio_ms: int) -> None:
        """Count the session's last audio, and free its place."""
        keys = [
            *(self._keys.api_key(key_id, part) for part in ("open", "audio")),
            self._mark(key_id, session_id),
        ]
        await self._link.eval(CLOSE, keys, [session_id, worker, audio_ms])

    # Tokens

    async def mint(self, token: Token, ttl_s: int) -> str:
        """Make a token that is good for so long."""
        text = written_token(secrets.token_bytes(SECRET_BYTES))
        name = self._keys.api_token(digest_of(text))
        told = orjson.dumps({"key_id": token.key_id, "origin": token.origin})
        await self._link.ask(lambda redis: cast(Any, redis.set(name, told, ex=ttl_s)))
        return text

    async def find_token(self, text: str) -> Token | None:
        """What a token stands for; None if it is none, or has expired."""
        name = self._keys.api_token(digest_of(text))
        told = await self._link.ask(lambda redis: cast(Any, redis.get(name)))
        return Token(**orjson.loads(told)) if told is not None else None

    def _mark(self, key_id: str, session_id: str) -> str:
        return self._keys.api_key(key_id, "session", session_id)


def _fields(draft: KeyDraft, digest: str) -> list[str | int]:
    limits = {
        "per_minute": draft.per_minute,
        "sessions": draft.sessions,
        "audio_s_per_day": draft.audio_s_per_day,
    }
    fields: list[str | int] = ["name", draft.name, "digest", digest]
    fields += ["scopes", " ".join(sorted(draft.scopes))]
    for name, limit in limits.items():
        if limit is not None:
            fields += [name, limit]
    return fields


def _key(key_id: str, fields: Mapping[bytes, bytes]) -> ApiKey:
    def number(name: bytes) -> int | None:
        return int(fields[name]) if name in fields else None

    return ApiKey(
        id=key_id,
        name=fields[b"name"].decode(),
        digest=fields[b"digest"].decode(),
        scopes=cast(frozenset[Scope], frozenset(fields[b"scopes"].decode().split())),
        limits=KeyLimits(number(b"per_minute"), number(b"sessions"), number(b"audio_s_per_day")),
        origins=tuple(fields[b"origins"].decode().split()),
        created_ms=int(fields[b"created"]),
        used_ms=number(b"used"),
        revoked_ms=number(b"revoked"),
    )


def _paired(parts: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _verdict(answer: Iterable[Any]) -> Verdict:
    kind, *numbers = answer
    return Verdict(kind.decode(), tuple(numbers))
