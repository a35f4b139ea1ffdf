"""The balancer between the public address and the workers."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from bot.phone.balancer import AddressError, Balancer, ForeignUrl, NoWorker

from .worker_stub import running_worker, unused_port

PUBLIC = "https://bot.example.com/prefix"


async def test_an_address_that_refuses_is_skipped() -> None:
    async with running_worker() as worker:
        dead = f"http://127.0.0.1:{unused_port()}"
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


async def test_all_refuse() -> None:
    port = unused_port()
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
    async with Balancer(PUBLIC, [f"http://[::1]:{unused_port()}"]) as balancer:
        with pytest.raises(NoWorker, match=r"\[::1\]:"):
            await balancer.request("GET", f"{PUBLIC}/x", {})
