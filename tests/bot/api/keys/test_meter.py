"""Sessions and audio of keys, counted by workers on a real Redis, and while it is away."""

from __future__ import annotations

from typing import Any

import pytest

from bot.api.keys import meter as module
from bot.api.keys.draft import KeyDraft
from bot.api.keys.ledger import SILENT_S
from bot.api.keys.meter import Meter
from bot.api.keys.store import Beat, KeyStore, Verdict


async def made(keys: KeyStore, **values: object) -> str:
    return (await keys.create(KeyDraft.read({"name": "shop", **values}))).key.id


async def used_ms(keys: KeyStore) -> int:
    return (await keys.list())[0].audio_ms_today


async def open_sessions(keys: KeyStore) -> int:
    return (await keys.list())[0].open_sessions


async def test_two_workers_count_as_one(keys: KeyStore) -> None:
    one = await made(keys, sessions=2, audio_s_per_day=10)
    a, b = Meter(keys, "a"), Meter(keys, "b")
    assert (await a.open(one, "1", 2)).kind == "open"
    assert (await b.open(one, "2", 2)).kind == "open"
    assert await b.open(one, "3", 2) == Verdict("sessions", (2,))
    a.used(one, "1", 6000)
    b.used(one, "2", 5000)
    assert (a.used_ms(one), b.used_ms(one)) == (6000, 5000)
    await a.beat()
    await b.beat()
    await a.beat()
    assert (a.used_ms(one), b.used_ms(one)) == (11_000, 11_000)
    assert 0 < a.left_s(one) <= 86_400
    await a.close(one, "1")
    await a.close(one, "1")
    assert await open_sessions(keys) == 1
    assert (await a.open(one, "3", 2)).kind == "quota"


async def test_a_session_that_goes_over_to_another_worker(keys: KeyStore) -> None:
    one = await made(keys, sessions=1)
    a, b = Meter(keys, "a"), Meter(keys, "b")
    await a.open(one, "1", 1)
    a.used(one, "1", 3000)
    await a.beat()
    assert (await b.open(one, "1", 1)).kind == "open"
    b.used(one, "1", 4000)
    a.used(one, "1", 3000)
    await a.beat()
    await b.beat()
    await a.close(one, "1")
    assert (await open_sessions(keys), await used_ms(keys)) == (1, 4000)
    await b.close(one, "1")
    assert await open_sessions(keys) == 0


async def test_the_last_audio_is_counted_when_a_session_closes(keys: KeyStore) -> None:
    one = await made(keys)
    meter = Meter(keys, "a")
    await meter.open(one, "1", None)
    meter.used(one, "1", 2500)
    await meter.close(one, "1")
    await meter.beat()
    assert (await used_ms(keys), await open_sessions(keys)) == (2500, 0)


async def test_a_session_of_which_nothing_is_said_gives_its_place_back(keys: KeyStore) -> None:
    one = await made(keys, sessions=1)
    now_s = 0.0
    meter = Meter(keys, "a", now_s=lambda: now_s)
    await meter.open(one, "1", 1)
    now_s = SILENT_S + 1
    await meter.beat()
    assert (await meter.open(one, "2", 1)).kind == "open"


async def test_who_has_a_revoked_key_is_told(keys: KeyStore) -> None:
    one = await made(keys)
    meter = Meter(keys, "a")
    await meter.open(one, "1", None)
    await meter.beat()
    assert not meter.is_revoked(one)
    await keys.revoke(one)
    await meter.beat()
    assert meter.is_revoked(one)


async def test_many_sessions_are_told_in_parts(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    one = await made(keys)
    meter = Meter(keys, "a")
    for number in range(5):
        meter.used(one, str(number), 100)
    await meter.beat()
    assert (await open_sessions(keys), await used_ms(keys), meter.used_ms(one)) == (5, 500, 500)


async def test_a_session_that_closes_while_others_are_told_gets_no_place_again(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    one = await made(keys)
    meter = Meter(keys, "a")
    await meter.open(one, "1", None)
    await meter.open(one, "2", None)
    beat = keys.beat

    async def close_meanwhile(*args: Any) -> Beat:
        await meter.close(one, "2")
        return await beat(*args)

    monkeypatch.setattr(keys, "beat", close_meanwhile)
    await meter.beat()
    assert await open_sessions(keys) == 1


async def test_what_is_used_while_redis_is_away_is_counted_later(
    keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await made(keys, sessions=2)
    meter, away = Meter(keys, "a"), KeyStore("unix:///nonexistent/redis.sock")
    with monkeypatch.context() as context:
        context.setattr(meter, "_store", away)
        opened = [(await meter.open(one, name, 2)).kind for name in "123"]
        assert opened == ["open", "open", "sessions"]
        meter.used(one, "1", 1000)
        meter.used(one, "2", 2000)
        await meter.beat()
        await meter.close(one, "1")
        assert meter.used_ms(one) == 2000
    await meter.beat()
    assert (await used_ms(keys), await open_sessions(keys)) == (3000, 1)
    await meter.close(one, "2")
    await meter.beat()
    assert meter.used_ms(one) == 0
    await away.aclose()
