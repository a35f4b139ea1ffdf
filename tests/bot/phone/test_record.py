"""Asking a worker for a call's record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from starlette.responses import JSONResponse, Response

from bot.demo.worker import free_port
from bot.phone import record
from bot.phone.balancer import Balancer
from bot.phone.record import NoRecord, fetch_record
from tests.serving import silent_server

from .worker_stub import StubWorker, running_worker

ENDED = {"sid": "CA1", "ended": {"by": "bot"}, "ended_ms": 1_700_000_000_000}
ENDING = {**ENDED, "ended_ms": None}
OPEN = {"sid": "CA1", "ended": None, "ended_ms": None}


async def fetch(worker: StubWorker, key: str | None = None) -> Mapping[str, Any]:
    async with Balancer(worker.url) as balancer:
        return await fetch_record(balancer, worker.url, "CA1", key)


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_POLL_S", 0.01)


async def test_it_is_asked_for_until_the_call_has_ended_there_too() -> None:
    async with running_worker() as worker:
        answers = [Response(status_code=404), *map(JSONResponse, (OPEN, ENDING, ENDED))]
        worker.record = answers
        assert await fetch(worker, "the key") == ENDED
    assert worker.keys == ["Bearer the key"] * 4


async def test_one_that_never_ends_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_DEADLINE_S", 1.0)
    async with running_worker() as worker:
        worker.record = OPEN
        assert await fetch(worker) == OPEN
    assert set(worker.keys) == {None}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_closed_api(status: int) -> None:
    async with running_worker() as worker:
        worker.record = [Response(status_code=status)]
        with pytest.raises(NoRecord, match="set PARLEY_API_KEY"):
            await fetch(worker)


async def test_a_call_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_DEADLINE_S", 1.0)
    async with running_worker() as worker:
        worker.record = [Response(status_code=404) for _ in range(1_000)]
        with pytest.raises(NoRecord, match="answered 404"):
            await fetch(worker)


@pytest.mark.parametrize("text", ["no JSON", "[]"])
async def test_an_answer_that_is_none(text: str) -> None:
    async with running_worker() as worker:
        worker.record = [Response(text)]
        with pytest.raises(NoRecord, match="answered"):
            await fetch(worker)


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_DEADLINE_S", 0.1)
    worker = StubWorker()
    with silent_server() as worker.port, pytest.raises(NoRecord, match=r"no answer within 0\.1 s"):
        await fetch(worker)
    worker.port = free_port()
    with pytest.raises(NoRecord, match="cannot be reached"):
        await fetch(worker)


async def test_an_answer_that_does_not_come_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record, "_REQUEST_S", 0.5)
    connections: list[asyncio.StreamWriter] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        if len(connections) == 2:
            writer.close()  # as a dying worker does; the first answers as a frozen one does
        elif len(connections) == 3:
            body = orjson.dumps(ENDED)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    worker = StubWorker()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        worker.port = server.sockets[0].getsockname()[1]
        assert await fetch(worker) == ENDED
        for writer in connections:
            writer.close()
    assert len(connections) == 3
