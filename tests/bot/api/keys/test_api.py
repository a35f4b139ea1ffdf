from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from openapi_schema_validator import OAS31Validator
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from bot.api.keys import store as store_module
from bot.api.keys.api import KeysApi
from bot.api.keys.store import KeyStore
from bot.api.openapi import describe
from bot.app import explain
from bot.settings import Settings

MASTER = "s3cret"
AWAY = "unix:///nonexistent/redis.sock"


def client_of(keys: KeyStore, tmp_path: Path, **values: Any) -> httpx.AsyncClient:
    settings = Settings.model_validate(
        {"public_url": "https://bot.example.com", "state_dir": tmp_path, **values}
    )
    app = Starlette(
        routes=[Mount("/api", routes=KeysApi(settings, keys).routes)],
        exception_handlers={HTTPException: explain},
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://inside/api",
        headers={"Authorization": f"Bearer {MASTER}"},
    )


@pytest.fixture
async def api(keys: KeyStore, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(keys, tmp_path, api_key=MASTER) as client:
        yield client


def check(schema: str, value: Any) -> None:
    """See that a value is as it is described."""
    description = describe("http://inside")
    reference = {"$ref": f"#/components/schemas/{schema}"}
    OAS31Validator({**description, **reference}).validate(value)


async def test_a_key_from_its_making_to_its_end(api: httpx.AsyncClient) -> None:
    asked = {"name": "shop", "scopes": ["stt", "token"], "origins": ["https://shop.example"]}
    check("KeyDraft", asked)
    with structlog.testing.capture_logs() as logs:
        response = await api.post("/keys", json=asked)
    made = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    assert made["key"].startswith(f"pk_{made['id']}_")
    assert made["key"] not in str(logs)
    check("Key", made)
    (listed,) = (await api.get("/keys")).json()["keys"]
    check("Key", listed)
    assert listed == {
        **{name: value for name, value in made.items() if name != "key"},
        "open_sessions": 0,
        "audio_s_today": 0.0,
    }
    for _ in range(2):
        revoked = await api.delete(f"/keys/{made['id']}")
        assert (revoked.status_code, revoked.json()) == (200, {"revoked": made["id"]})
    assert (await api.get("/keys")).json()["keys"][0]["revoked_ms"] >= made["created_ms"]


@pytest.mark.parametrize("key_id", ["0" * 12, "x", "x:open", "pk_", "%2e"])
async def test_there_is_no_such_key(api: httpx.AsyncClient, key_id: str) -> None:
    response = await api.delete(f"/keys/{key_id}")
    assert (response.status_code, response.json()) == (404, {"error": "no such key"})


async def test_a_part_of_what_is_kept_of_a_key_is_none(
    api: httpx.AsyncClient, keys: KeyStore
) -> None:
    made = (await api.post("/keys", json={"name": "shop"})).json()["id"]
    await keys.open(made, "s", "w")
    assert (await api.delete(f"/keys/{made}:open")).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"x", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"name": 5, "sessions": 0}', "name: it may hold what it is for"),
    ],
)
async def test_what_is_no_key(api: httpx.AsyncClient, body: bytes, said: str) -> None:
    response = await api.post("/keys", content=body)
    assert (response.status_code, said in response.json()["error"]) == (400, True)


async def test_there_are_enough_keys(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_KEYS", 0)
    response = await api.post("/keys", json={"name": "shop"})
    assert (response.status_code, "revoke some" in response.text) == (409, True)


async def test_only_the_workers_own_key_makes_keys(keys: KeyStore, tmp_path: Path) -> None:
    async with client_of(keys, tmp_path, api_key="another") as api:
        made = [await api.get("/keys"), await api.post("/keys"), await api.delete("/keys/x")]
        assert {response.status_code for response in made} == {401}
    async with client_of(keys, tmp_path) as api:
        assert (await api.post("/keys", json={"name": "shop"})).status_code == 403


async def test_redis_is_away(tmp_path: Path) -> None:
    nowhere = KeyStore(AWAY)
    async with client_of(nowhere, tmp_path, api_key=MASTER) as api:
        asked = [
            await api.get("/keys"),
            await api.post("/keys", json={"name": "shop"}),
            await api.delete("/keys/0123456789ab"),
        ]
    await nowhere.aclose()
    assert {response.status_code for response in asked} == {503}
