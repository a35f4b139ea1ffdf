"""The service by HTTP alone, with a real Redis and a stand-in for recognition."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from bot.api.stt.access import Principal, SttAccess
from bot.api.stt.asked import SessionRequest
from bot.api.stt.chunk_door import ChunkDoor
from bot.api.stt.faults import Fault
from bot.api.stt.store import SttStore

from .chunk_workers import Worker, frames, worker

MOST = 65_536


class KeyAccess(SttAccess):
    """Lets in who has the key, which is its id."""

    def __init__(self) -> None:
        pass

    async def admit(self, connection: HTTPConnection, scope: Any) -> Principal:
        if (key := connection.headers.get("x-api-key")) is None:
            raise Fault("unauthorized", "send a key")
        return Principal(key)


@pytest.fixture
async def here(redis_url: str, redis_prefix: str) -> AsyncIterator[Worker]:
    async with worker(redis_url, redis_prefix, "a") as made:
        yield made


@pytest.fixture
async def client(here: Worker) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(here, here.store) as made:
        yield made


def client_of(worker: Worker, store: SttStore) -> httpx.AsyncClient:
    door = ChunkDoor(worker.posting, store, KeyAccess(), SessionRequest(), MOST)
    transport = httpx.ASGITransport(Starlette(routes=door.routes))
    return httpx.AsyncClient(
        transport=transport, base_url="http://here", headers={"X-API-Key": "k"}
    )


async def send(
    client: httpx.AsyncClient, audio: bytes | None, status: int = 200, **fields: Any
) -> dict[str, Any]:
    files = [(name, (None, str(value))) for name, value in fields.items()]
    sent: list[Any] = files if audio is None else [*files, ("audio_chunk", ("a.pcm", audio))]
    answer = await client.post("/stt/stream-chunk", files=sent)
    assert answer.status_code == status, answer.text
    values: dict[str, Any] = answer.json()
    return values


async def test_a_session_by_http_alone(client: httpx.AsyncClient) -> None:
    first = await send(client, frames(0, 12), sample_rate=16000, language="en-US")
    session = first["session_id"]
    assert list(first) == [
        "session_id", "chunk_index", "duplicate", "status", "results", "transcript", "audio_ms",
        "ignored", "not_honoured",
    ]  # fmt: skip
    assert [result["is_final"] for result in first["results"]] == [True, False]
    shown = (await client.get(f"/stt/sessions/{session}")).json()
    assert 299 < shown.pop("expires_after_s") <= 300
    assert shown == {
        "session_id": session,
        "status": "active",
        "reason": None,
        "language": "en-US",
        "provider": None,
        "sample_rate": 16_000,
        "encoding": None,
        "channels": None,
        "sequence": 1,
        "chunks": 1,
        "audio_ms": 240,
        "transcript": {"text": "0 1 2 3 4 5 6 7 8 9", "confidence": 0.5},
        "results": first["results"][:1],
    }
    last = await send(client, None, session_id=session.upper(), is_final_chunk="true")
    assert last["status"] == "ended"
    assert last["transcript"]["text"] == "0 1 2 3 4 5 6 7 8 9 10 11"
    shown = (await client.get(f"/stt/sessions/{session}?after=1")).json()
    assert (shown["status"], shown["reason"]) == ("ended", "final_chunk")
    assert [result["text"] for result in shown["results"]] == ["10 11"]


async def test_a_deleted_session_is_gone(client: httpx.AsyncClient) -> None:
    session = (await send(client, frames(0, 12)))["session_id"]
    path = f"/stt/sessions/{session}"
    assert (await client.delete(path, headers={"X-API-Key": "other"})).status_code == 404
    assert (await client.delete(path)).json() == {"session_id": session, "deleted": True}
    for answer in (await client.delete(path), await client.get(path)):
        assert answer.status_code == 409
        assert answer.json()["code"] == "session_ended"
    assert (await send(client, frames(12, 13), 409, session_id=session))["code"] == "session_ended"


async def test_what_was_never_there_or_is_no_more(
    client: httpx.AsyncClient, redis: Redis, redis_prefix: str
) -> None:
    for name in (str(uuid4()), "no-uuid"):
        for answer in (
            await client.get(f"/stt/sessions/{name}"),
            await client.delete(f"/stt/sessions/{name}"),
        ):
            assert answer.status_code == 404
            assert answer.json()["code"] == "session_not_found"
    session = (await send(client, frames(0, 12)))["session_id"]
    await redis.hset(f"{redis_prefix}stt:{session}", "expires", 1)
    assert (await client.get(f"/stt/sessions/{session}")).status_code == 410
    assert (await client.delete(f"/stt/sessions/{session}")).status_code == 410
    assert (await send(client, b"", 400, session_id=session))["code"] == "bad_message"
    assert (await send(client, frames(0, 1), 410, session_id=session))["code"] == "session_expired"


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 16, "١"])
async def test_results_are_asked_for_by_a_number(client: httpx.AsyncClient, after: str) -> None:
    answer = await client.get(f"/stt/sessions/{uuid4()}", params={"after": after})
    assert answer.status_code == 400
    assert answer.json()["allowed"] == {"minimum": 0}


async def test_who_may_not_is_told_before_anything_is_read(client: httpx.AsyncClient) -> None:
    del client.headers["X-API-Key"]
    for answer in (
        await client.post("/stt/stream-chunk", content=b"x" * 200_000),
        await client.get(f"/stt/sessions/{uuid4()}"),
        await client.delete(f"/stt/sessions/{uuid4()}"),
    ):
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_faults_say_what_is_allowed_and_when_to_come_again(
    client: httpx.AsyncClient, here: Worker
) -> None:
    too_large = await send(client, bytes(MOST + 2), 413)
    assert too_large["allowed"] == {"maximum": MOST}
    rate = await send(client, frames(0, 1), 400, sample_rate="fast")
    assert (rate["code"], set(rate["allowed"])) == ("bad_sample_rate", {"minimum", "maximum"})
    await send(client, frames(0, 1), 400, chunk_index=-1)
    empty = await send(client, b"", 400)
    assert (empty["code"], empty["allowed"][1]) == ("bad_message", {"is_final_chunk": True})
    here.sessions.faults.append(Fault("too_many_sessions", "wait", retry_after_s=1.2))
    answer = await client.post("/stt/stream-chunk", files={"audio_chunk": frames(0, 1)})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"


async def test_without_redis_sessions_are_not_shown(here: Worker) -> None:
    away = SttStore("unix:///nonexistent/redis.sock", "a")
    async with client_of(here, away) as client:
        answer = await client.get(f"/stt/sessions/{uuid4()}")
    assert answer.status_code == 503
    assert answer.json()["code"] == "store_away"
    assert answer.headers["Retry-After"] == "1"


async def test_what_means_nothing_is_told_with_each_chunk(client: httpx.AsyncClient) -> None:
    first = await send(
        client, frames(0, 12), sampleRate=8000, punctuation="true", is_final_chunk="false"
    )
    assert (first["ignored"], first["not_honoured"]) == (["sampleRate"], ["punctuation"])
    session = first["session_id"]
    last = await send(client, None, session_id=session, is_final_chunk="true")
    assert (last["ignored"], last["not_honoured"]) == ([], ["punctuation"])


async def test_a_chunk_asks_for_no_other_session(client: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {"language": "en-US", "sample_rate": 16000}
    session = (await send(client, frames(0, 12), **asked))["session_id"]
    other: dict[str, Any] = asked | {"language": "fr", "chunk_size": 7}
    refused = await send(client, frames(12, 14), 400, session_id=session, **other)
    assert (refused["code"], refused["allowed"]) == ("bad_config", {"language": "en-US"})
    # Clients that send all fields each time are right, whatever else a session is called.
    again = await send(client, frames(12, 24), session_id=session, chunk_size=9, **asked)
    assert again["chunk_index"] == 1
    assert again["transcript"]["text"] == " ".join(map(str, range(20)))


async def test_what_is_asked_for_is_no_part_of_the_address(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/stt/stream-chunk?language=fr&_=1", files={"audio_chunk": frames(0, 1)}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_config")
    assert "language" in answer.json()["allowed"]
    answer = await client.post("/stt/stream-chunk?_=1", files={"audio_chunk": frames(0, 1)})
    assert answer.status_code == 200
