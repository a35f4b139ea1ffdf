"""Who has a good key, with a real Redis, and with one that is away."""

from __future__ import annotations

import pytest

from bot.api.keys import verifier as module
from bot.api.keys.draft import KeyDraft
from bot.api.keys.secret import written_key, written_token
from bot.api.keys.store import KeyStore, NewKey, Token, Verdict
from bot.api.keys.verifier import TooManyQuestions, Verifier
from bot.metrics import Metrics
from bot.redis_link import RedisLink, StoreUnavailable

UNKNOWN = written_key("0" * 12, bytes(32))


class Here:
    """A verifier whose clock is set, whose questions are counted, and whose Redis may be away."""

    def __init__(self, keys: KeyStore) -> None:
        self.now_s = 1000.0
        self.keys = keys
        self.verifier = Verifier(keys, now_s=lambda: self.now_s)
        self.asked = 0
        self._link, self._real = keys._link, keys._link.ask
        keys._link.ask = self._count  # type: ignore[method-assign]
        self._nowhere = RedisLink("unix:///nonexistent/redis.sock", Metrics(), 1)
        self.away = False

    async def _count(self, *args: object, **named: object) -> object:
        self.asked += 1
        if self.away:
            return await self._nowhere.ask(*args, **named)  # type: ignore[arg-type]
        return await self._real(*args, **named)  # type: ignore[arg-type]

    async def made(self, **values: object) -> NewKey:
        new = await self.keys.create(KeyDraft.read({"name": "shop", **values}))
        self.asked = 0
        return new

    async def knows(self, text: str) -> bool:
        return await self.verifier.key(text) is not None


@pytest.fixture
def here(keys: KeyStore) -> Here:
    return Here(keys)


async def test_redis_is_asked_about_a_key_every_few_seconds(here: Here) -> None:
    new = await here.made()
    assert await here.verifier.key(new.text) == new.key
    here.now_s += module.FRESH_S - 1
    assert await here.knows(new.text)
    assert here.asked == 1
    here.now_s += 1
    assert await here.knows(new.text)
    assert here.asked == 2
    # Who takes from its minute is told whether it is still good.
    here.now_s += module.FRESH_S - 1
    assert await here.verifier.take(new.key.id) == Verdict("taken")
    here.now_s += module.FRESH_S - 1
    assert await here.knows(new.text)
    assert here.asked == 3


async def test_a_revoked_key_is_refused_at_its_next_request(here: Here) -> None:
    new = await here.made()
    assert await here.knows(new.text)
    await here.keys.revoke(new.key.id)
    assert await here.verifier.take(new.key.id) == Verdict("gone")
    assert not await here.knows(new.text)


async def test_a_revoked_key_is_refused_within_seconds_by_whoever_takes_nothing(
    here: Here,
) -> None:
    new = await here.made()
    assert await here.knows(new.text)
    await here.keys.revoke(new.key.id)
    here.now_s += module.FRESH_S
    assert not await here.knows(new.text)


@pytest.mark.parametrize("text", ["", "hunter2", "pk_x", UNKNOWN[:-1], "pt_x", "Bearer"])
async def test_nobody_is_asked_about_what_is_no_key(here: Here, text: str) -> None:
    assert not await here.knows(text)
    assert await here.verifier.token(text) is None
    assert here.asked == 0


async def test_a_wrong_key_that_is_sent_again_costs_nothing(here: Here) -> None:
    assert [await here.knows(UNKNOWN) for _ in range(5)] == [False] * 5
    token = written_token(bytes(32))
    assert [await here.verifier.token(token) for _ in range(5)] == [None] * 5
    assert here.asked == 2
    here.now_s += module.FRESH_S
    assert not await here.knows(UNKNOWN)
    assert here.asked == 3


async def test_a_wrong_secret_is_refused_for_a_key_that_is_known(here: Here) -> None:
    new = await here.made()
    wrong = written_key(new.key.id, bytes(32))
    assert not await here.knows(wrong)
    assert await here.knows(new.text)
    assert not await here.knows(written_key(new.key.id, b"1" * 32))
    assert here.asked == 1


async def test_a_flood_of_unknown_keys_is_looked_at_no_more(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUESTIONS_PER_S", 5)
    here.verifier = Verifier(here.keys, now_s=lambda: here.now_s)
    new = await here.made()
    assert await here.knows(new.text)
    for number in range(1, 10):
        assert not await here.knows(written_key(f"{number:012}", bytes(32)))
    with pytest.raises(TooManyQuestions) as raised:
        await here.knows(UNKNOWN)
    assert raised.value.retry_after_s == pytest.approx(0.2)
    with pytest.raises(TooManyQuestions):
        await here.verifier.token(written_token(bytes(32)))
    assert here.asked == 10
    # Who was known before the flood is still known.
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    assert await here.knows(new.text)


async def test_what_is_remembered_is_bounded(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    new = [await here.made() for _ in range(3)]
    for one in new:
        assert await here.knows(one.text)
        assert not await here.knows(written_key("0" * 12, one.text.encode()[:32]))
    here.asked = 0
    for one in reversed(new):
        assert await here.knows(one.text)
    assert here.asked == 1
    assert len(here.verifier._refused) <= 2


async def test_redis_is_away(here: Here) -> None:
    new, other = await here.made(per_minute=2), await here.made()
    assert await here.knows(new.text)
    here.away = True
    here.now_s += module.STALE_S - 1
    assert await here.knows(new.text)
    taken = [await here.verifier.take(new.key.id) for _ in range(3)]
    assert [verdict.kind for verdict in taken] == ["taken", "taken", "wait"]
    assert taken[2].numbers == (30_000, 2)
    with pytest.raises(StoreUnavailable):
        await here.knows(other.text)
    with pytest.raises(StoreUnavailable):
        await here.verifier.token(written_token(bytes(32)))
    here.now_s += 1
    with pytest.raises(StoreUnavailable):
        await here.knows(new.text)
    with pytest.raises(StoreUnavailable):
        await here.verifier.take(new.key.id)
    here.away = False
    assert await here.knows(new.text)


async def test_a_key_without_a_limit_has_none_while_redis_is_away(here: Here) -> None:
    new = await here.made(per_minute=None)
    assert await here.knows(new.text)
    here.away = True
    assert {(await here.verifier.take(new.key.id)).kind for _ in range(9)} == {"taken"}


async def test_a_token_is_found_with_its_key(here: Here) -> None:
    new = await here.made()
    token = Token(new.key.id, None)
    text = await here.keys.mint(token, 60)
    assert await here.verifier.token(text) == token
    assert await here.verifier.key_of(new.key.id) == new.key
    assert await here.verifier.take(new.key.id) == Verdict("taken")
