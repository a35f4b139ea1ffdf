"""The balancer between the public address and the workers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import InvalidStatus

from bot.demo.worker import free_port
from bot.phone import health
from bot.phone.balancer import AddressError, Balancer, ForeignUrl, NoWorker
from tests.bot.doctor.conftest import server_context
from tests.bot.doctor.site import tls_proxy
from tests.serving import silent_server

from .worker_stub import StubWorker, running_worker

PUBLIC = "https://bot.example.com/prefix"


async def test_an_address_that_refuses_is_skipped() -> None:
    async with running_worker() as worker:
        dead = f"http://127.0.0.1:{free_port()}"
        async with Balancer(PUBLIC, [dead, worker.url]) as balancer:
            answer = await balancer.request("POST", f"{PUBLIC}/twilio/voice?a=1", {}, b"b=2")
            headers: dict[str, str] = {}
            url = "wss://bot.example.com/prefix/twilio/media"
            async with await balancer.open(url, headers, 5.0) as ws:
                assert ws.request is not None
                assert ws.request.headers["Host"] == "bot.example.com"
                assert "Sec-WebSocket-Extensions" not in ws.request.headers
    assert answer.request.headers["Host"] == "bot.example.com"
    assert worker.about("/twilio/voice") == [{"a": "1", "b": "2"}]
    assert worker.upgrades == [False]


async def test_authorities_of_ones_own_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    tls = server_context(authority.issue_cert("localhost"))
    async with (
        running_worker() as worker,
        tls_proxy(tls, worker.served.port) as port,
        Balancer(f"https://localhost:{port}") as balancer,
    ):
        await balancer.request("GET", f"https://localhost:{port}/x", {})
        ws = await balancer.open(f"wss://localhost:{port}/twilio/media", {}, 5.0)
        await ws.close()
    assert worker.paths() == ["/x"]
    assert len(worker.upgrades) == 1


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_PERIOD_S", 0.02)
    monkeypatch.setattr(health, "_TIMEOUT_S", 1.0)


async def a_round(worker: StubWorker) -> None:
    """All workers have been asked again, and have answered or not."""
    while not worker.polls.locked():
        await worker.polls.acquire()
    # The first of these may belong to a round that had begun; the third begins when one is over.
    for _ in range(3):
        await worker.polls.acquire()


@pytest.mark.usefixtures("impatience")
async def test_the_first_that_is_ready_takes_each_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running_worker() as first, running_worker() as second:
        first.ready = 503
        async with Balancer(first.url, [first.url, second.url]) as balancer:
            await balancer.request("GET", f"{first.url}/refused", {})
            first.ready = 200
            await a_round(first)
            await balancer.request("GET", f"{first.url}/again", {})
            first.ready = 0
            monkeypatch.setattr(health, "_TIMEOUT_S", 0.3)
            await a_round(second)
            await balancer.request("GET", f"{first.url}/frozen", {})
            second.ready = 503
            await a_round(second)
            # None is ready: all are tried in order.
            await balancer.request("GET", f"{first.url}/none", {})
    assert second.paths() == ["/refused", "/frozen"]
    assert first.paths() == ["/again", "/none"]


async def test_one_address_is_asked_nothing() -> None:
    async with running_worker() as worker:
        worker.ready = 503
        async with Balancer(worker.url) as balancer:
            await balancer.request("GET", f"{worker.url}/x", {})
    assert worker.polls.locked()
    assert worker.paths() == ["/x"]


async def test_one_that_refuses_after_it_was_ready_is_skipped() -> None:
    async with (
        running_worker() as first,
        running_worker() as second,
        Balancer(first.url, [first.url, second.url]) as balancer,
    ):
        first.served.stop_listening()
        ws = await balancer.open(f"ws{first.url[4:]}/twilio/media", {}, 5.0)
        await ws.close()
        await balancer.request("GET", f"{first.url}/x", {})
    assert second.paths() == ["/x"]
    assert len(second.upgrades) == 1


@pytest.mark.usefixtures("impatience")
async def test_nothing_is_left_of_a_balancer() -> None:
    before = asyncio.all_tasks()
    with silent_server() as port:
        async with Balancer(PUBLIC, [f"http://127.0.0.1:{port}"] * 2):
            assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before


async def test_all_refuse() -> None:
    port = free_port()
    async with Balancer(PUBLIC, [f"http://127.0.0.1:{port}"]) as balancer:
        with pytest.raises(NoWorker, match=f"127.0.0.1:{port}"):
            await balancer.request("GET", f"{PUBLIC}/x", {})
        with pytest.raises(NoWorker, match="refused"):
            await balancer.open("wss://bot.example.com/prefix/media", {}, 5.0)


async def test_a_redirect_of_the_upgrade_is_a_refusal() -> None:
    async with running_worker() as worker, Balancer(worker.url) as balancer:
        worker.upgrade = 307
        with pytest.raises(InvalidStatus):
            await balancer.open(f"ws{worker.url[4:]}/twilio/media", {}, 5.0)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.com/prefix/x",
        "http://bot.example.com/prefix/x",
        "https://bot.example.com/x",
        "ftp://bot.example.com/prefix/x",
    ],
)
async def test_nothing_but_the_public_address_is_asked(url: str) -> None:
    async with Balancer(PUBLIC) as balancer:
        with pytest.raises(ForeignUrl, match="is not under"):
            await balancer.request("GET", url, {})


@pytest.mark.parametrize("url", ["bot.example.com", "ftp://bot", "http://", "http://bot:x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(AddressError, match="write it as"):
        Balancer(PUBLIC, [url])
    with pytest.raises(AddressError, match="write it as"):
        Balancer(url)


async def test_an_ipv6_address() -> None:
    async with Balancer(PUBLIC, [f"http://[::1]:{free_port()}"]) as balancer:
        with pytest.raises(NoWorker, match=r"\[::1\]:"):
            await balancer.request("GET", f"{PUBLIC}/x", {})
