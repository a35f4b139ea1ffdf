"""Who has a good key, asked of Redis no more often than is worth it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from bot.redis_link import StoreUnavailable

from .bucket import Bucket
from .secret import digest_of, id_in, is_token, matches
from .store import KeyStore, Token, Verdict
from .types import ApiKey

__all__ = ["TooManyQuestions", "Verifier"]

FRESH_S = 5.0
"""So long Redis is not asked about a key again."""
STALE_S = 60.0
"""So long a key is good that Redis said was good, while Redis cannot be asked."""
MOST = 1000
"""How many keys are remembered; and of how many texts that they are none."""
QUESTIONS_PER_S = 2000.0
"""Redis is asked no more about keys that are not known, whoever sends them. To be sent so many
costs a worker more than to look them up."""


class TooManyQuestions(Exception):
    """So many keys are shown that are not known here that no more of them are looked at."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Known:
    """A key that Redis said was good, when, and what may be asked for while Redis is away."""

    key: ApiKey
    verified_s: float
    bucket: Bucket | None


class Verifier:
    """Tells good keys and tokens from all else.

    Whatever has not their form is refused without asking anybody.

    Args:
        store: where keys are.
        now_s: a clock that never goes back.
    """

    def __init__(self, store: KeyStore, *, now_s: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._now_s = now_s
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._refused: OrderedDict[str, float] = OrderedDict()
        self._questions = Bucket(2 * QUESTIONS_PER_S, QUESTIONS_PER_S)

    async def key(self, text: str) -> ApiKey | None:
        """The key that a client sent; None if it is none, or none any more.

        Raises:
            TooManyQuestions: it may be one, but too many are asked about.
            StoreUnavailable: it may be one, but Redis is away.
        """
        key_id = id_in(text)
        if key_id is None or self._was_refused(text):
            return None
        key = await self.key_of(key_id)
        if key is None or not matches(text, key.digest):
            self._refuse(text)
            return None
        return key

    async def token(self, text: str) -> Token | None:
        """What a token stands for; None if it is none, or has expired. Raises as `key` does."""
        if not is_token(text) or self._was_refused(text):
            return None
        self._ask()
        token = await self._store.find_token(text)
        if token is None:
            self._refuse(text)
        return token

    async def key_of(self, key_id: str) -> ApiKey | None:
        """The key of an id, which is not known to be that of whoever asks. Raises as `key` does."""
        known = self._known.get(key_id)
        age_s = self._now_s() - known.verified_s if known is not None else STALE_S
        if known is not None and age_s < FRESH_S:
            return known.key
        try:
            self._ask()
            key = await self._store.find(key_id)
        except (StoreUnavailable, TooManyQuestions):
            if known is not None and age_s < STALE_S:
                return known.key
            raise
        if key is None:
            self._known.pop(key_id, None)
        else:
            self._remember(key)
        return key

    async def take(self, key_id: str) -> Verdict:
        """Ask for one request of a good key's minute; while Redis is away, of this worker's own.

        Raises:
            StoreUnavailable: Redis is away, and has not said for a while that the key is good.
        """
        try:
            verdict = await self._store.take(key_id)
        except StoreUnavailable:
            known = self._known.get(key_id)
            if known is None or self._now_s() - known.verified_s >= STALE_S:
                raise
            wait_s = known.bucket.take(self._now_s()) if known.bucket is not None else 0.0
            if not wait_s:
                return Verdict("taken")
            return Verdict("wait", (round(wait_s * 1000), known.key.limits.per_minute or 0))
        if verdict.kind == "gone":
            self._known.pop(key_id, None)
        elif key_id in self._known:
            self._remember(self._known[key_id].key)
        return verdict

    def _remember(self, key: ApiKey) -> None:
        """Redis has just said that a key is good."""
        known = self._known.pop(key.id, None)
        if known is None:
            most = key.limits.per_minute
            known = _Known(key, 0.0, Bucket(most, most / 60) if most is not None else None)
        known.verified_s = self._now_s()
        self._known[key.id] = known
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def _ask(self) -> None:
        wait_s = self._questions.take(self._now_s())
        if wait_s:
            raise TooManyQuestions(wait_s)

    def _was_refused(self, text: str) -> bool:
        at_s = self._refused.get(digest_of(text))
        return at_s is not None and self._now_s() - at_s < FRESH_S

    def _refuse(self, text: str) -> None:
        self._refused[digest_of(text)] = self._now_s()
        if len(self._refused) > MOST:
            self._refused.popitem(last=False)
