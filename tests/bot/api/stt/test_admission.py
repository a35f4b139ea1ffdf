"""Keys and tokens through `/stt/stream`, on a real socket and a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from bot.api.keys.store import KeyStore
from bot.api.stt import upkeep
from bot.api.stt.access import SttAccess
from tests.background import until
from tests.bot.engines import Recognizer

from .asking import access_of, asking, made
from .served import QUIET, Service, serving

PAGE = "https://shop.example"


@pytest.fixture
def access(keys: KeyStore) -> SttAccess:
    return access_of(keys)


@pytest.fixture
async def service(access: SttAccess, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(upkeep, "LOOK_S", 0.01)
    async with serving(Recognizer(), access=access) as one:
        yield one


def header(key: str) -> dict[str, Any]:
    return {"additional_headers": {"X-API-Key": key}}


def protocols(key: str) -> dict[str, Any]:
    offered = ["parley.stt.v1", f"parley.auth.{key}"]
    return {"subprotocols": [Subprotocol(name) for name in offered]}


async def test_a_key_in_a_subprotocol_is_not_answered(service: Service, keys: KeyStore) -> None:
    key = (await made(keys)).text
    async with service.client(**protocols(key)) as client:
        assert client.websocket.subprotocol == "parley.stt.v1"
        response = client.websocket.response
        assert response is not None
        assert key not in str(response.headers)
        assert (await client.hear())["type"] == "session_started"
        await client.say("close")
        assert await client.closed() == (1000, "client")


async def test_programs_see_a_status_and_pages_a_message(service: Service, keys: KeyStore) -> None:
    key = (await made(keys)).text
    for options, status, code in (
        ({}, 401, "unauthorized"),
        (header("x"), 401, "unauthorized"),
        ({**header(key), "query": f"token={key}"}, 400, "key_in_url"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with service.client(**options):
                pass
        assert refused.value.response.status_code == status
        assert orjson.loads(refused.value.response.body)["code"] == code
    async with service.client(origin=Origin(PAGE), **protocols(key)) as client:
        assert (await client.hear())["code"] == "origin_refused"
        assert await client.closed() == (1008, "origin_refused")


async def test_a_pages_token_opens_a_session_of_its_key(
    service: Service, keys: KeyStore, access: SttAccess
) -> None:
    new = await made(keys, sessions=1, origins=[PAGE], scopes=["stt", "token"])
    owner = await access.admit(asking(new.text), "token")
    token = await access.mint(owner, 60, PAGE)
    async with service.client(origin=Origin(PAGE), **protocols(token)) as client:
        assert (await client.hear())["type"] == "session_started"
        async with service.client(**header(new.text)) as second:
            assert (await second.hear())["code"] == "too_many_sessions"
            assert await second.closed() == (1013, "too_many_sessions")
        await client.say("close")
        await client.closed()
    await until(lambda: not service.sessions.active)
    async with service.client(**header(new.text)) as third:
        assert (await third.hear())["type"] == "session_started"


async def test_a_session_ends_when_its_key_is_used_up(service: Service, keys: KeyStore) -> None:
    key = (await made(keys, audio_s_per_day=1)).text
    async with service.client(**header(key)) as client:
        await client.hear("session_started")
        await client.send(QUIET)
        told = await client.hear("error")
        assert (told["code"], told["allowed"]) == ("quota_used_up", {"audio_s_per_day": 1})
        assert (await client.hear("session_ended"))["reason"] == "quota_used_up"
        assert await client.closed() == (1013, "quota_used_up")


async def test_a_session_ends_when_its_key_is_revoked(
    service: Service, keys: KeyStore, access: SttAccess
) -> None:
    new = await made(keys)
    async with service.client(**header(new.text)) as client:
        await client.hear("session_started")
        await keys.revoke(new.key.id)
        await access.exchange()
        assert (await client.hear("error"))["error"] == "the key was revoked"
        assert await client.closed() == (1008, "unauthorized")
