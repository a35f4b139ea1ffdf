"""`/streaming/stats`: what is counted, of all workers together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.stats import Stats
from bot.api.stt.tally import Tally, total
from bot.metrics import Metrics
from providers.errors import UnavailableError
from providers.fallback import Candidate, Fallback
from providers.types import SttProvider
from tests.background import running
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, LOUD, NOWHERE, QUIET, Service, service_of

PLAIN = SessionRequest()


def stats_of(
    service: Service, redis_url: str = NOWHERE, prefix: str = "test:", worker: str = "a"
) -> Stats:
    return Stats(
        service.sessions,
        lambda: {"recognizer": "well"},
        service.gate,  # type: ignore[arg-type]
        Metrics(),
        url=redis_url,
        prefix=prefix,
        worker=worker,
    )


async def ask(stats: Stats) -> Any:
    app = Starlette(routes=stats.routes)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        answer = await client.get("/streaming/stats")
    return {"status": answer.status_code, **answer.json()}


@asynccontextmanager
async def asked(service: Service) -> AsyncIterator[Stats]:
    stats = stats_of(service)
    try:
        yield stats
    finally:
        await stats.aclose()


@virtual_time_on_sockets
async def test_what_one_worker_has_counted_while_redis_is_away() -> None:
    engine = Recognizer(texts=["good morning"])
    async with service_of(engine) as service, asked(service) as stats:
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        await service.sessions.open(PLAIN, ANYBODY, door="chunk")
        engine.streams[0].hear("")  # nothing was understood: nothing is measured
        for at in range(0, len(LOUD + QUIET), 3200):
            await session.send((LOUD + QUIET)[at : at + 3200])
            await asyncio.sleep(0.1)
        answer = await ask(stats)
        assert (answer["status"], answer["shared"], answer["workers"]) == (200, False, 1)
        assert answer["sessions"]["active"] == {"stream": 1, "asr": 0, "chunk": 1, "all": 2}
        latencies = answer["latencies_ms"]
        assert latencies["start"]["count"] == 2
        assert latencies["interim"] == {"count": 0, "p50": None, "p95": None}
        # The silence that ends an utterance, and the recognizer's 50 ms.
        assert latencies["final"]["count"] == 1
        assert 700 < latencies["final"]["p50"] < 1_200
        await session.finish("client")
        answer = await ask(stats)
        assert answer["sessions"]["ended"] == {"client": 1}
        assert answer["sessions"]["begun"]["all"] == 2
        assert answer["audio_s"] == 2.0
        assert answer["providers"] == {"recognizer": {"states": {"well": 1}, "errors": 0}}


@virtual_time_on_sockets
async def test_the_first_words_are_measured_from_where_speech_begins() -> None:
    engine = Recognizer(utterances=False)
    async with service_of(engine) as service, asked(service) as stats:
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        audio = QUIET + LOUD
        for at in range(0, len(audio), 640):
            await session.send(audio[at : at + 640])
            await asyncio.sleep(0.02)
        for words in ("good", "good morning"):  # the first ones alone are the first
            engine.current.hear(words)
            await asyncio.sleep(0.5)
        interim = (await ask(stats))["latencies_ms"]["interim"]
        assert interim["count"] == 1
        assert interim["p50"] == pytest.approx(1_000, rel=0.1)


@virtual_time_on_sockets
async def test_recognizers_that_fail_are_counted_and_who_takes_over() -> None:
    first, second = Recognizer(name="first", utterances=False), Recognizer(name="second")
    async with service_of(first) as service, asked(service) as stats:
        pair: list[SttProvider] = [first, second]
        desk: Any = service.sessions._recognizers
        desk.stt = Fallback(Candidate(one.name, one) for one in pair)
        session = await service.sessions.open(PLAIN, ANYBODY, door="stream")
        await session.send(LOUD)
        first.current.fail(UnavailableError("first", "it is gone"))
        await asyncio.sleep(0.1)
        answer = await ask(stats)
        assert answer["providers"]["first"]["errors"] == 1
        assert answer["switches"] == [{"from": "first", "to": "second", "count": 1}]
        session.fail(Fault("slow_reader", "it does not read"))
        await service.sessions.leave(session)
        assert (await ask(stats))["sessions"]["interrupted"] == {"slow_reader": 1}


@virtual_time_on_sockets
async def test_only_whoever_may() -> None:
    async with service_of() as service, asked(service) as stats:
        service.gate.refusal = Fault("forbidden", "the key is for something else")
        assert (await ask(stats))["status"] == 403


async def test_all_workers_are_added_up(redis_url: str, redis_prefix: str) -> None:
    async with service_of() as here, service_of(worker="b") as there:
        one, two = (
            stats_of(one, redis_url, redis_prefix, one.store.worker) for one in (here, there)
        )
        # Before it shares anything: what it shared before might come after what it shares now.
        asr = await there.sessions.open(PLAIN, ANYBODY, door="asr")
        async with running(two.run()):
            await ask(two)
            stream = await here.sessions.open(PLAIN, ANYBODY, door="stream")
            answer = await ask(one)
        assert (answer["shared"], answer["workers"]) == (True, 2)
        assert answer["sessions"]["active"] == {"stream": 1, "asr": 1, "chunk": 0, "all": 2}
        assert answer["providers"]["recognizer"]["states"] == {"well": 2}
        await asr.finish("client")
        await stream.finish("client")
        await one.aclose()
        await two.aclose()


def test_sums() -> None:
    one, two = Tally(Metrics()), Tally(Metrics())
    for tally in (one, two):
        tally.hear(1_500)
        tally.switched("first", "second")
        tally.lose()
    two.end("client")
    told = [
        orjson.loads(orjson.dumps(tally.values({"stream": 3}, {"first": state})))
        for tally, state in ((one, "well"), (two, "NetworkError"))
    ]
    summed = total(told)
    assert (summed["workers"], summed["audio_s"]) == (2, 3.0)
    assert summed["sessions"]["active"]["all"] == 6
    assert (summed["sessions"]["connections_lost"], summed["sessions"]["ended"]) == (
        2, {"client": 1},
    )  # fmt: skip
    assert summed["switches"] == [{"from": "first", "to": "second", "count": 2}]
    assert summed["providers"] == {"first": {"states": {"well": 1, "NetworkError": 1}, "errors": 0}}
