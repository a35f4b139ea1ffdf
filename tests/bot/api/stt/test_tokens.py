from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
from starlette.applications import Starlette

from bot.api.keys.secret import is_token
from bot.api.keys.store import KeyStore
from bot.api.stt.access import SttAccess
from bot.api.stt.tokens import TokenDoor

from .asking import access_of, asking, made

PAGE = "https://shop.example"


@pytest.fixture
def access(keys: KeyStore) -> SttAccess:
    return access_of(keys, stt_origins=PAGE)


@pytest.fixture
async def api(access: SttAccess, keys: KeyStore) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key for tokens."""
    key = (await made(keys, scopes=["token"])).text
    transport = httpx.ASGITransport(Starlette(routes=TokenDoor(access).routes))
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="https://bot.example.com", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b"", 60), (b"{}", 60), (b'{"expires_in_s": 600}', 600), (b'{"expires_in_s": 1}', 1)],
)
async def test_a_token_is_made(
    api: httpx.AsyncClient, access: SttAccess, body: bytes, seconds: int
) -> None:
    response = await api.post("/stt/token", content=body)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    token, expires_at = response.json()["token"], response.json()["expires_at"]
    assert is_token(token)
    assert -2 < datetime.fromisoformat(expires_at).timestamp() - time.time() - seconds < 1
    assert (await access.admit(asking(token), "stt")).only is None


async def test_a_token_for_pages_of_an_origin(api: httpx.AsyncClient, access: SttAccess) -> None:
    token = (await api.post("/stt/token", json={"origin": PAGE})).json()["token"]
    assert (await access.admit(asking(token, origin=PAGE), "stt")).only == PAGE
    refused = await api.post("/stt/token", json={"origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")
    assert refused.json()["allowed"] == ["https://bot.example.com", PAGE]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"x", 400, "bad_message"),
        (b"[]", 400, "bad_message"),
        (b'{"ttl": 5}', 400, "bad_message"),
        (b'{"expires_in_s": 0}', 400, "unknown_parameter_value"),
        (b'{"expires_in_s": 601}', 400, "unknown_parameter_value"),
        (b'{"expires_in_s": 1.5}', 400, "unknown_parameter_value"),
        (b'{"expires_in_s": true}', 400, "unknown_parameter_value"),
        (b'{"expires_in_s": null}', 400, "unknown_parameter_value"),
        (b'{"origin": 5}', 400, "unknown_parameter_value"),
        (bytes(100_000), 413, "message_too_large"),
    ],
)
async def test_what_cannot_be_asked(
    api: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    response = await api.post("/stt/token", content=content)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["allowed"]


async def test_who_may_not_make_tokens(api: httpx.AsyncClient, keys: KeyStore) -> None:
    token = (await api.post("/stt/token")).json()["token"]
    other = (await made(keys)).text
    for key, status in ((token, 403), (other, 403), ("x", 401)):
        headers = {"Authorization": f"Bearer {key}"}
        response = await api.post("/stt/token", headers=headers)
        assert response.status_code == status
        assert key not in response.text or key == "x"
    assert response.headers["www-authenticate"] == "Bearer"
    assert (await api.post("/stt/token?token=x")).json()["code"] == "key_in_url"
