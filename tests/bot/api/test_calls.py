from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.api.calls import CallsApi
from bot.record import Record, now_ms
from bot.settings import Settings
from bot.store import Store

KEY = "s3cret"
NOW_MS = now_ms()
SIDS = [f"CA{number:032}" for number in range(5)]


def client(store: Store, tmp_path: Path, **values: object) -> httpx.AsyncClient:
    settings = Settings.model_validate(
        {"public_url": "http://127.0.0.1:8080", "state_dir": tmp_path, **values}
    )
    app = Starlette(routes=[Mount("/api", routes=CallsApi(settings, store).routes)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside")


@pytest.fixture
async def store(redis_url: str, redis_prefix: str) -> AsyncIterator[Store]:
    store = Store(redis_url, prefix=redis_prefix)
    for number, sid in enumerate(SIDS):
        store.save(Record(sid, started_ms=NOW_MS + number, from_number="+15550100001"))
        store.append(sid, "key", 5, digit="1")
    assert await store.flush(5)
    yield store
    await store.aclose()


@pytest.fixture
async def api(store: Store, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a development worker."""
    async with client(store, tmp_path, dev=True) as api:
        yield api


async def test_a_call(api: httpx.AsyncClient) -> None:
    response = await api.get(f"/api/calls/{SIDS[0]}")
    assert response.headers["content-type"] == "application/json"
    shown = response.json()
    assert (shown["sid"], shown["from_number"]) == (SIDS[0], "+15550100001")
    assert shown["log"] == [{"kind": "key", "at_ms": 5, "digit": "1"}]


@pytest.mark.parametrize("sid", ["CA1", f"{SIDS[0]}:log", "*", "%00", "é"])
async def test_no_such_call(api: httpx.AsyncClient, sid: str) -> None:
    assert (await api.get(f"/api/calls/{sid}")).status_code == 404


async def listed(api: httpx.AsyncClient, **params: int) -> list[str]:
    response = await api.get("/api/calls", params=params)
    assert response.status_code == 200
    return [call["sid"] for call in response.json()["calls"]]


async def test_calls_are_listed_newest_first_and_page_by_page(api: httpx.AsyncClient) -> None:
    assert await listed(api) == SIDS[::-1]
    assert await listed(api, limit=2) == [SIDS[4], SIDS[3]]
    assert await listed(api, limit=2, before_ms=NOW_MS + 3) == [SIDS[2], SIDS[1]]
    assert await listed(api, limit=100_000) == SIDS[::-1]


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1e9", "9" * 16])
@pytest.mark.parametrize("name", ["limit", "before_ms"])
async def test_a_number_that_is_none(api: httpx.AsyncClient, name: str, value: str) -> None:
    response = await api.get("/api/calls", params={name: value})
    assert response.status_code == 400
    assert name in response.text


@pytest.mark.parametrize("path", ["/api/calls", f"/api/calls/{SIDS[0]}"])
async def test_a_key_opens_it(store: Store, tmp_path: Path, path: str) -> None:
    for dev in (False, True):
        async with client(store, tmp_path, api_key=KEY, dev=dev) as api:
            good = await api.get(path, headers={"Authorization": f"Bearer {KEY}"})
            assert good.status_code == 200
            for wrong in ("", "Bearer", f"Basic {KEY}", "Bearer other", f"Bearer {KEY}x"):
                refused = await api.get(path, headers={"Authorization": wrong})
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == "Bearer"
            assert (await api.get(path)).status_code == 401


@pytest.mark.parametrize("path", ["/api/calls", f"/api/calls/{SIDS[0]}"])
async def test_without_a_key_it_is_closed(store: Store, tmp_path: Path, path: str) -> None:
    async with client(store, tmp_path) as api:
        response = await api.get(path)
    assert response.status_code == 403
    assert "PARLEY_API_KEY" in response.text


@pytest.mark.parametrize("path", ["/api/calls", f"/api/calls/{SIDS[0]}"])
async def test_while_redis_is_away(tmp_path: Path, path: str) -> None:
    away = Store("unix:///nonexistent/redis.sock")
    async with client(away, tmp_path, dev=True) as api:
        assert (await api.get(path)).status_code == 503
    await away.aclose()
