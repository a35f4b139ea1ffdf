"""Signed requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.responses import Response

from bot.demo.worker import free_port
from bot.phone import webhook
from bot.phone.balancer import Balancer
from bot.phone.twiml import Hangup, Request, TwimlError
from bot.phone.webhook import Callbacks, Webhooks
from tests.serving import silent_server

from .worker_stub import TOKEN, StubWorker, running_worker


@asynccontextmanager
async def dying_server() -> AsyncIterator[int]:
    """The port of a server that breaks every connection when it is asked something."""

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


async def fetch(worker: StubWorker, path: str, method: str = "POST") -> object:
    async with Balancer(worker.url) as balancer:
        request = Request(f"{worker.url}{path}", method)
        return await Webhooks(balancer, TOKEN).fetch(request, {"B": "2 ü", "A": ""})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_requests_are_signed(method: str) -> None:
    async with running_worker() as worker:
        worker.documents["/x"] = ["<Response><Hangup/></Response>"]
        assert await fetch(worker, "/x?q=1", method) == [Hangup()]
        assert await fetch(worker, "/x", method) == [Hangup()]
    first, second = worker.asked
    assert first.signed
    assert second.signed
    assert first.method == method
    assert first.params == {"q": "1", "A": "", "B": "2 ü"}
    assert len({first.idempotency, second.idempotency, ""}) == 3


@pytest.mark.parametrize(
    ("answer", "code", "fault"),
    [
        (Response(status_code=403), 11200, "answered 403"),
        (Response(status_code=307, headers={"Location": "/y"}), 11200, "answered 307"),
        (Response("<Response/>", media_type="text/plain"), 12300, "'text/plain'"),
        (Response("<Respo", media_type="application/xml"), 12100, "not XML"),
    ],
)
async def test_what_twilio_would_not_take(answer: Response, code: int, fault: str) -> None:
    async with running_worker() as worker:
        worker.documents["/x"] = [answer]
        with pytest.raises(TwimlError, match=fault) as caught:
            await fetch(worker, "/x?secret=1")
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


async def test_a_worker_that_is_not_there() -> None:
    worker = StubWorker()
    worker.port = free_port()
    with pytest.raises(TwimlError, match="refused") as caught:
        await fetch(worker, "/x")
    assert caught.value.code == 11200


async def test_a_worker_that_does_not_answer() -> None:
    worker = StubWorker()
    with silent_server() as worker.port, pytest.raises(TwimlError, match=r"within 0\.1 s"):
        await fetch(worker, "/x#rt=100")
    with silent_server() as worker.port, pytest.raises(TwimlError, match="in time"):
        await fetch(worker, "/x#rt=15000&tt=100")


HANG_UP = "<Response><Hangup/></Response>"


async def test_asked_again_when_the_url_says_so() -> None:
    async with running_worker() as worker:
        worker.documents["/x"] = [Response(status_code=503), Response(status_code=404), HANG_UP]
        assert await fetch(worker, "/x#rc=2&rp=all") == [Hangup()]
    assert len({asked.idempotency for asked in worker.asked}) == 1
    assert len(worker.asked) == 3


@pytest.mark.parametrize(
    ("fragment", "asked"), [("", 1), ("#rp=5xx", 2), ("#rc=0&rp=all", 1), ("#rc=5&rp=rt,4xx", 1)]
)
async def test_not_asked_more_often_than_the_url_says(fragment: str, asked: int) -> None:
    async with running_worker() as worker:
        worker.documents["/x"] = [Response(status_code=503)] * 9
        with pytest.raises(TwimlError, match="answered 503"):
            await fetch(worker, f"/x{fragment}")
    assert len(worker.asked) == asked


async def test_a_worker_whose_connection_broke_is_not_asked_again() -> None:
    async with running_worker() as good, dying_server() as port:
        good.documents["/x"] = [HANG_UP]
        addresses = (f"http://127.0.0.1:{port}", good.url)
        async with Balancer(good.url, addresses) as balancer:
            balancer._health._ready = frozenset(balancer._targets)
            request = Request(f"{good.url}/x#rc=1&rp=all")
            assert await Webhooks(balancer, TOKEN).fetch(request, {}) == [Hangup()]


async def test_callbacks_are_sent_in_order_and_failures_are_kept() -> None:
    async with running_worker() as worker, Balancer(worker.url) as balancer:
        worker.documents["/bad"] = [Response(status_code=500)]
        callbacks = Callbacks(Webhooks(balancer, TOKEN))
        for path in ("/a", "/bad", "/b"):
            callbacks.post(Request(worker.url + path), {"path": path})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(callbacks.run())
            callbacks.close()
    assert worker.paths() == ["/a", "/bad", "/b"]
    assert [failure.code for failure in callbacks.failures] == [11200]


async def test_more_callbacks_than_fit_are_said() -> None:
    async with Balancer("http://127.0.0.1:1") as balancer:
        callbacks = Callbacks(Webhooks(balancer, TOKEN))
        for _ in range(101):
            callbacks.post(Request("http://127.0.0.1:1/a"), {})
    assert [failure.reason for failure in callbacks.failures] == [
        "POST http://127.0.0.1:1/a: too many callbacks were waiting"
    ]


async def test_callbacks_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PATIENCE_S", 0.05)
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}"
        async with Balancer(url) as balancer:
            callbacks = Callbacks(Webhooks(balancer, TOKEN))
            for _ in range(100):
                callbacks.post(Request(f"{url}/a"), {})
            running = asyncio.create_task(callbacks.run())
            # One of them waits for its answer now.
            await asyncio.sleep(0)
            callbacks.close()
            async with asyncio.timeout(5):
                await running
    assert [failure.reason for failure in callbacks.failures] == [
        "callbacks were not answered within 0.05 s of the call's end"
    ]
