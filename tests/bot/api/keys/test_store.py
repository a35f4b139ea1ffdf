"""Keys on a real Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from bot.api.keys import store as module
from bot.api.keys.draft import KeyDraft
from bot.api.keys.scripts import DAY_MS, REVOKED_TTL_MS
from bot.api.keys.secret import id_in, matches
from bot.api.keys.store import KeyStore, Token, TooManyKeys, Verdict
from bot.api.keys.types import KeyLimits


def draft(**values: object) -> KeyDraft:
    return KeyDraft.read({"name": "shop", **values})


async def made(keys: KeyStore, **values: object) -> str:
    """The id of a new key."""
    return (await keys.create(draft(**values))).key.id


async def test_a_key_is_kept_without_its_secret(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    new = await keys.create(
        draft(name="Café", scopes=["stt", "token"], sessions=None, origins=["https://a.example"])
    )
    assert id_in(new.text) == new.key.id
    assert new.text not in repr(new)
    assert await keys.find(new.key.id) == new.key
    assert matches(new.text, new.key.digest)
    assert new.key.limits == KeyLimits(600, None, None)
    secret = new.text.split("_", 2)[2]  # which may have more of these
    async for name in redis.scan_iter(f"{redis_prefix}*"):
        assert secret not in await _all_of(redis, name)
    assert await keys.find("0" * 12) is None


async def _all_of(redis: Redis, name: str) -> str:
    kind = await redis.type(name)
    if kind == "hash":
        return str(await redis.hgetall(name))
    return str(await redis.zrange(name, 0, -1))


async def test_keys_are_listed_newest_first_with_their_use(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    first = await made(keys, name="first", origins=["https://a.example"])
    await redis.zincrby(f"{redis_prefix}api-keys", -1, first)  # it is a millisecond older
    second = await made(keys, name="second", audio_s_per_day=10)
    await keys.open(first, "s", "w")
    await keys.beat(first, "w", {"s": 1500})
    await keys.take(first)
    listed = await keys.list()
    assert [one.key.name for one in listed] == ["second", "first"]
    values = listed[1].values()
    assert (values["open_sessions"], values["audio_s_today"]) == (1, 1.5)
    assert values["used_ms"] >= values["created_ms"]
    assert (listed[0].key.id, listed[0].key.used_ms) == (second, None)
    assert "digest" not in values


async def test_a_revoked_key_is_good_for_nothing(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    one = await made(keys, origins=["https://a.example", "https://b.example"])
    await made(keys, origins=["https://a.example"])
    assert (await keys.standing()).origins == {"https://a.example", "https://b.example"}
    assert [await keys.revoke(one), await keys.revoke(one), await keys.revoke("0" * 12)] == [
        *(True, True, False),
    ]
    assert (await keys.standing()).origins == {"https://a.example"}
    assert await keys.find(one) is None
    assert await keys.take(one) == Verdict("gone")
    assert await keys.open(one, "s", "w") == Verdict("gone")
    assert (await keys.beat(one, "w", {})).revoked
    name = f"{redis_prefix}api-key:{one}"
    assert 0 < await redis.pttl(name) <= REVOKED_TTL_MS
    (listed,) = (listed.key for listed in await keys.list() if listed.key.id == one)
    assert listed.revoked_ms is not None
    await redis.delete(name)
    assert len(await keys.list()) == 1
    assert (await keys.standing()).keys == 1


async def test_there_are_not_too_many_keys(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEYS", 1)
    await made(keys)
    with pytest.raises(TooManyKeys, match="there are 1 keys: revoke some"):
        await made(keys)


async def test_an_id_that_is_taken_is_not_given_again(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(["0" * 12, "0" * 12, "1" * 12])
    monkeypatch.setattr("secrets.token_hex", lambda size: next(ids))
    assert [await made(keys), await made(keys)] == ["0" * 12, "1" * 12]


async def test_a_minute_has_so_many_requests(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    one = await made(keys, per_minute=3)
    assert [(await keys.take(one)).kind for _ in range(4)] == ["taken"] * 3 + ["wait"]
    verdict = await keys.take(one)
    assert verdict.numbers[0] == pytest.approx(20_000, abs=2000)
    assert verdict.numbers[1] == 3
    name = f"{redis_prefix}api-key:{one}:rate"
    # Twenty seconds pass.
    await redis.hincrby(name, "at", -21_000)
    assert [(await keys.take(one)).kind for _ in range(2)] == ["taken", "wait"]
    await redis.hincrby(name, "at", -600_000)
    assert [(await keys.take(one)).kind for _ in range(4)] == ["taken"] * 3 + ["wait"]
    assert 0 < await redis.pttl(name) <= 61_000


async def test_all_workers_take_from_one_bucket(
    keys: KeyStore, redis_url: str, redis_prefix: str
) -> None:
    one = await made(keys, per_minute=10)
    other = KeyStore(redis_url, prefix=redis_prefix, deadline_s=10)
    taken = await asyncio.gather(*(store.take(one) for store in (keys, other) for _ in range(10)))
    await other.aclose()
    assert [verdict.kind for verdict in taken].count("taken") == 10


async def test_a_key_without_limits(keys: KeyStore) -> None:
    one = await made(keys, per_minute=None, sessions=None)
    assert {(await keys.take(one)).kind for _ in range(5)} == {"taken"}
    opened = [(await keys.open(one, str(number), "w")).kind for number in range(30)]
    assert set(opened) == {"open"}


async def test_sessions_are_counted_by_all_workers(keys: KeyStore) -> None:
    one = await made(keys, sessions=2)
    assert await keys.open(one, "a", "w1") == Verdict("open", (0, 0))
    assert await keys.open(one, "b", "w2") == Verdict("open", (0, 0))
    assert await keys.open(one, "c", "w1") == Verdict("sessions", (2,))
    # One that goes on elsewhere has its place already.
    assert (await keys.open(one, "a", "w2")).kind == "open"
    await keys.close(one, "a", "w1", 0)
    assert (await keys.open(one, "c", "w1")).kind == "sessions"
    await keys.close(one, "a", "w2", 0)
    assert (await keys.open(one, "c", "w1")).kind == "open"


async def test_the_sessions_of_a_dead_worker_are_given_back(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    one = await made(keys, sessions=2)
    await keys.open(one, "a", "dead")
    await keys.open(one, "b", "w")
    places = f"{redis_prefix}api-key:{one}:open"
    lease_ms = await redis.pttl(places)
    assert 0 < lease_ms <= module.LEASE_MS
    # The lease passes, but for who says that it goes on.
    for session in ("a", "b"):
        await redis.zincrby(places, -module.LEASE_MS, session)
    await keys.beat(one, "w", {"b": 0})
    assert (await keys.open(one, "c", "w")).kind == "open"
    assert (await keys.open(one, "d", "w")).kind == "sessions"
    # Who was only frozen has its place again, though that is one too many.
    await keys.beat(one, "dead", {"a": 0})
    assert (await keys.list())[0].open_sessions == 3


async def test_a_session_that_another_worker_has_is_not_renewed(keys: KeyStore) -> None:
    one = await made(keys)
    await keys.open(one, "a", "w1")
    await keys.open(one, "a", "w2")
    assert (await keys.beat(one, "w1", {"a": 0, "b": 0})).lost == {"a"}
    assert (await keys.beat(one, "w2", {"a": 0})).lost == frozenset()


async def test_audio_is_counted_once(keys: KeyStore) -> None:
    one = await made(keys, audio_s_per_day=10)
    await keys.open(one, "a", "w1")
    await keys.beat(one, "w1", {"a": 4000})
    assert (await keys.beat(one, "w1", {"a": 4000})).audio_ms == 4000
    # It is resumed elsewhere, and what was not understood is sent again.
    assert await keys.open(one, "a", "w2") == Verdict("open", (4000, 4000))
    await keys.beat(one, "w2", {"a": 3000})
    await keys.close(one, "a", "w2", 6000)
    assert (await keys.beat(one, "w1", {"b": 3999})).audio_ms == 9999
    assert (await keys.open(one, "c", "w1")).kind == "open"
    await keys.beat(one, "w1", {"b": 4000})
    kind, (quota_s, left_ms) = (verdict := await keys.open(one, "d", "w1")).kind, verdict.numbers
    assert (kind, quota_s) == ("quota", 10)
    assert 0 < left_ms <= DAY_MS


async def test_another_day_begins_with_nothing(
    keys: KeyStore, redis: Redis, redis_prefix: str
) -> None:
    one = await made(keys, audio_s_per_day=1)
    await keys.beat(one, "w", {"a": 1000})
    assert (await keys.open(one, "b", "w")).kind == "quota"
    name = f"{redis_prefix}api-key:{one}:audio"
    assert 0 < await redis.pttl(name) <= 2 * DAY_MS
    await redis.hincrby(name, "day", -1)
    assert (await keys.open(one, "b", "w")).kind == "open"
    beat = await keys.beat(one, "w", {"a": 1250})
    assert beat.audio_ms == 250
    assert 0 < beat.left_ms <= DAY_MS


async def test_a_token_stands_for_a_key(keys: KeyStore, redis: Redis, redis_prefix: str) -> None:
    token = Token("0" * 12, "https://a.example")
    text = await keys.mint(token, 60)
    assert await keys.find_token(text) == token
    assert await keys.find_token("pt_" + "A" * 43) is None
    (name,) = [name async for name in redis.scan_iter(f"{redis_prefix}api-token:*")]
    assert text.removeprefix("pt_") not in name + str(await redis.get(name))
    assert 0 < await redis.ttl(name) <= 60
    await redis.delete(name)
    assert await keys.find_token(text) is None
