"""Streams whose worker is frozen: it takes connections and bytes, and answers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.phone import balancer, streams, wire
from bot.phone.call import place_call
from bot.phone.config import PhoneConfig
from bot.phone.events import EventKind, PhoneEvent
from bot.phone.exchange import Exchange
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Lose, Step, Wait

from .worker_stub import TOKEN, StubStream, StubWorker, running_worker

HANG_UP = "<Response><Hangup/></Response>"


class FrozenWorker:
    """Reads nothing any more after some frames; then `frozen` is set, until `thaw` is."""

    def __init__(self, worker: StubWorker) -> None:
        self.worker = worker
        self.frozen = asyncio.Event()
        self.thaw = asyncio.Event()
        worker.talk = [self.talk]

    async def talk(self, stream: StubStream) -> None:
        await stream.frames(3)
        self.frozen.set()
        # The stub's server stops reading the socket when nobody asks for its messages.
        await self.thaw.wait()


@pytest.fixture
async def frozen() -> AsyncIterator[FrozenWorker]:
    async with running_worker() as worker:
        frozen = FrozenWorker(worker)
        yield frozen
        frozen.thaw.set()


async def place(frozen: FrozenWorker, *steps: Step, speed: float = 5.0) -> CallResult:
    return await place_call(PhoneConfig(frozen.worker.url, TOKEN, speed=speed), steps)


async def test_a_redirect_does_not_wait_for_the_worker(
    frozen: FrozenWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balancer, "_CLOSE_TIMEOUT_S", 60.0)
    monkeypatch.setattr(wire, "_PARTING_S", 60.0)
    url, exchange = frozen.worker.url, Exchange()
    frozen.worker.documents["/moved"] = [HANG_UP]

    def on_event(event: PhoneEvent) -> None:
        if event == PhoneEvent(EventKind.VERB, event.at_ms, "Hangup"):
            frozen.thaw.set()

    placing = asyncio.create_task(
        place_call(PhoneConfig(url, TOKEN), [Wait(60_000)], on_event=on_event, exchange=exchange)
    )
    await frozen.frozen.wait()
    (live,) = exchange.calls.values()
    live.redirect(f"{url}/moved")
    async with asyncio.timeout(15):
        result = await placing
    assert result.verbs == ("Connect", "Hangup")


@pytest.mark.parametrize("ending", [HangUp(), Lose("close")])
async def test_a_socket_that_the_worker_does_not_close_is_dropped(
    frozen: FrozenWorker, monkeypatch: pytest.MonkeyPatch, ending: Step
) -> None:
    monkeypatch.setattr(balancer, "_CLOSE_TIMEOUT_S", 60.0)
    monkeypatch.setattr(wire, "_PARTING_S", 0.05)
    async with asyncio.timeout(15):
        result = await place(frozen, Wait(200), ending)
    assert not frozen.thaw.is_set()
    assert result.faults == ()


async def test_what_the_worker_says_before_its_close_is_no_hindrance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(balancer, "_CLOSE_TIMEOUT_S", 60.0)
    monkeypatch.setattr(wire, "_PARTING_S", 60.0)

    async def talk(stream: StubStream) -> None:
        await stream.until("stop")
        # More than the library takes without being read.
        for number in range(200):
            await stream.mark(str(number))

    async with running_worker() as worker:
        worker.talk = [talk]
        async with asyncio.timeout(10):
            result = await place_call(PhoneConfig(worker.url, TOKEN), [])
    assert result.faults == ()


async def test_a_handshake_that_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HANDSHAKE_TIMEOUT_S", 0.05)
    async with running_worker() as worker:
        worker.upgrade = 0
        connect = worker.connect(action="/never", more="<Redirect>/twilio/next</Redirect>")
        worker.documents["/twilio/voice"] = [connect]
        result = await place_call(PhoneConfig(worker.url, TOKEN), [])
    assert [fault.code for fault in result.faults] == [31901]
    assert result.verbs == ("Connect", "Redirect")
    assert "/never" not in worker.paths()


async def test_a_handshake_that_fails_by_the_steps_fails_once() -> None:
    async with running_worker() as worker:
        worker.documents["/twilio/next"] = [
            worker.connect(more="<Redirect>/twilio/next</Redirect>"),
            worker.connect(),
            worker.connect(),
            "<Response/>",
        ]
        config = PhoneConfig(worker.url, TOKEN, speed=5.0)
        result = await place_call(config, [Wait(60), Lose("refused"), Wait(60), Lose("reset")])
    assert result.traffic.streams == 3
    events = [
        (params["StreamEvent"], params.get("StreamError"))
        for params in worker.about("/twilio/stream")
    ]
    started, stopped = ("stream-started", None), ("stream-stopped", None)
    refused = ("stream-error", "refused, as the steps say")
    assert events == [started, stopped, refused, started, stopped, started, stopped]
    causes = [gap.cause.rpartition(" ")[2] for gap in result.gaps]
    assert causes == ["refused", "reset"]
