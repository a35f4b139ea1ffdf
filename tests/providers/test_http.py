"""The HTTP client of all vendors, on servers that a test writes byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from providers.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    InvalidResponseError,
    NetworkError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
)
from providers.http import HttpClient
from providers.http_request import HttpRequest, Upload
from tests.background import until
from tests.providers.wire import answering
from tests.virtual_time import virtual_time_on_sockets

KEY = "the-secret-key"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Made-By: Me\r\n\r\nhi"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    before = len(asyncio.all_tasks())
    async with answering(handler) as url:
        yield url.replace("ws://", "http://")
    # httpx leaves generators that are not at their end to the collector, which ends them in tasks.
    await until(lambda: len(asyncio.all_tasks()) <= before)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """A request's head, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    return head, await reader.readexactly(int(fields.get("content-length", 0)))


class Server:
    """Answers with what it is given, one after the other, on as many connections as come.

    An answer of None closes the connection without one.
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.requests: list[tuple[str, bytes]] = []
        self.left = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await read_request(reader))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    return
                writer.write(answer)
        finally:
            self.left.set()


def refused(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    return ApiError("vendor", f"{status} {sorted(headers)} {body[:9]!r} {len(body)}")


async def fetched(http: HttpClient, url: str, deadline_s: float = 5.0) -> bytes:
    request = HttpRequest(url=url, headers={"x-key": KEY}, body=b"question")
    return (await http.fetch(request, refused, deadline_s=deadline_s)).body


@virtual_time_on_sockets
async def test_an_answer_and_its_kept_connection() -> None:
    server = Server()
    async with serving(server) as url, HttpClient("vendor") as http:
        answer = await http.fetch(HttpRequest(url=url, method="GET"), refused, deadline_s=5)
        assert (answer.status, answer.body, answer.headers["x-made-by"]) == (200, b"hi", "Me")
        assert await fetched(http, url) == b"hi"
        assert server.connections == 1
        assert [body for _, body in server.requests] == [b"", b"question"]


@virtual_time_on_sockets
async def test_all_providers_of_a_loop_share_one_client() -> None:
    server = Server()
    one, other = HttpClient("one"), HttpClient("other")
    async with serving(server) as url:
        for http in (one, other, one):
            assert await fetched(http, url) == b"hi"
        await one.aclose()
        await one.aclose()
        assert await fetched(other, url) == b"hi"
        assert server.connections == 1
        await other.aclose()
        await asyncio.wait_for(server.left.wait(), 5)
        # Closed is not for ever.
        assert await fetched(one, url) == b"hi"
        assert server.connections == 2
        await one.aclose()


def test_clients_of_all_loops_share_one_tls_context() -> None:
    def contexts() -> int:
        # Asked for its class, a weak reference to what is gone would raise.
        return sum(issubclass(type(thing), ssl.SSLContext) for thing in gc.get_objects())

    async def use() -> None:
        async with serving(Server()) as url, HttpClient("vendor") as http:
            await fetched(http, url)

    asyncio.run(use())
    before = contexts()
    for _ in range(3):
        asyncio.run(use())
    assert contexts() <= before


@pytest.mark.parametrize("way", ["close", "reset"])
@virtual_time_on_sockets
async def test_nobody_notices_that_a_kept_connection_is_gone(way: str) -> None:
    connections = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The next request is the end of its connection."""
        nonlocal connections
        connections += 1
        await read_request(reader)
        if connections <= 3:
            await asyncio.sleep(1)
        writer.write(OK)
        await read_request(reader)
        if way == "close":
            writer.close()
            await writer.wait_closed()

    async with serving(answer_once) as url, HttpClient("vendor") as http:
        assert await asyncio.gather(*(fetched(http, url) for _ in range(3))) == [b"hi"] * 3
        assert connections == 3
        # All three that were kept are lost with this one.
        assert await fetched(http, url) == b"hi"
        assert connections == 4


@virtual_time_on_sockets
async def test_a_file_is_uploaded_again_too() -> None:
    server = Server(OK, None)
    upload = Upload("file", "audio.wav", "audio/wav", b"RIFF" * 50_000)
    request = HttpRequest(url="", fields=[("a", "1"), ("b", "2"), ("a", "3")], upload=upload)
    async with serving(server) as url, HttpClient("vendor") as http:
        await fetched(http, url)
        request = HttpRequest(url=url, fields=request.fields, upload=upload)
        assert (await http.fetch(request, refused, deadline_s=5)).body == b"hi"
    assert (server.connections, len(server.requests)) == (2, 3)
    head, body = server.requests[-1]
    assert "content-type: multipart/form-data" in head.lower()
    order = [body.index(part) for part in (b'"a"\r\n\r\n1', b'"b"', b'"a"\r\n\r\n3', b"audio.wav")]
    assert order == sorted(order)
    assert body.count(b"RIFF") == 50_000


@virtual_time_on_sockets
async def test_a_new_connection_without_an_answer_is_an_error() -> None:
    server = Server(None, OK)
    async with serving(server) as url, HttpClient("vendor") as http:
        with pytest.raises(NetworkError, match=r"127\.0\.0\.1:[0-9]+ broke off") as raised:
            await fetched(http, url)
        assert raised.value.retryable
        assert server.connections == 1


@virtual_time_on_sockets
async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")
        await asyncio.sleep(1)
        writer.close()

    async with serving(handler) as url, HttpClient("vendor") as http:
        pieces = list[bytes]()

        async def read() -> None:
            async with http.stream(HttpRequest(url=url), refused, answer_s=5) as answer:
                assert answer.status == 200
                async for piece in answer.pieces():
                    pieces.append(piece)

        with pytest.raises(NetworkError, match="broke off"):
            await read()
        assert pieces == [b"half"]


@virtual_time_on_sockets
async def test_nobody_listens() -> None:
    async with serving(Server()) as url:
        pass
    async with HttpClient("vendor") as http:
        with pytest.raises(NetworkError, match=r"no connection to 127\.0\.0\.1"):
            await fetched(http, url)


@virtual_time_on_sockets
async def test_a_server_that_does_not_accept() -> None:
    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):  # fills the queue of those that wait
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        async with HttpClient("vendor") as http:
            with pytest.raises(NetworkError, match=r"no connection to .*: ConnectTimeout"):
                await fetched(http, f"http://127.0.0.1:{listening.getsockname()[1]}", 10.0)


@virtual_time_on_sockets
async def test_a_server_that_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as url, HttpClient("vendor") as http:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineError, match=r"did not answer in 3\.0 s"):
            async with http.stream(HttpRequest(url=url), refused, answer_s=3):
                pass
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(3, abs=0.1)


@virtual_time_on_sockets
async def test_an_answer_that_comes_for_ever_is_late_as_a_whole() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b".")
            await asyncio.sleep(1)

    async with serving(trickle) as url, HttpClient("vendor") as http:
        with pytest.raises(DeadlineError, match=r"in 4\.0 s"):
            await fetched(http, url, deadline_s=4)
        # Read as it comes, it is not late.
        async with http.stream(HttpRequest(url=url), refused, answer_s=2) as answer:
            async for _ in answer.pieces():
                if asyncio.get_running_loop().time() > 1_010:
                    break


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 No\r\n\r\n"])
@virtual_time_on_sockets
async def test_a_head_or_an_error_that_comes_for_ever_is_late_as_a_whole(begun: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(begun)
        while True:
            writer.write(b"x: 1\r\n")
            await asyncio.sleep(1)

    async with serving(drip) as url, HttpClient("vendor") as http:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineError, match=r"in 2\.0 s"):
            async with http.stream(HttpRequest(url=url), refused, answer_s=2):
                pass
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
@virtual_time_on_sockets
async def test_giving_the_share_back_ends_what_waits(said: bytes, shared: bool) -> None:
    """Of a kept connection too, where a head that does not come is asked for again."""
    asked = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        writer.write(said)
        asked.set()
        await reader.read()

    async with serving(handler) as url, HttpClient("vendor") as http, HttpClient("other") as other:
        if not shared:
            await other.aclose()
        assert await fetched(http, url) == b"hi"
        waiting = asyncio.create_task(fetched(http, url, deadline_s=600))
        await asked.wait()
        await asyncio.sleep(1)
        gave_back_s = asyncio.get_running_loop().time()
        await http.aclose()
        with pytest.raises(UnavailableError, match="closed") as raised:
            await waiting
        assert not raised.value.retryable
        assert asyncio.get_running_loop().time() - gave_back_s < 0.1


@virtual_time_on_sockets
async def test_leaving_an_answer_ends_it() -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst")
    async with serving(server) as url, HttpClient("vendor") as http:
        async with http.stream(HttpRequest(url=url), refused, answer_s=5) as answer:
            async for piece in answer.pieces():
                assert piece == b"first"
                break
        await asyncio.wait_for(server.left.wait(), 5)


@pytest.mark.parametrize("status", [302, 400, 401, 500])
@virtual_time_on_sockets
async def test_a_refusal_is_the_vendors_to_explain(status: int) -> None:
    """A redirection is one as well: the key goes nowhere else."""
    elsewhere = Server()
    async with serving(elsewhere) as other:
        head = f"HTTP/1.1 {status} No\r\nLocation: {other}\r\nX-Why: so\r\nContent-Length: 5\r\n"
        server = Server(head.encode() + b"\r\nsorry")
        async with serving(server) as url, HttpClient("vendor") as http:
            with pytest.raises(ApiError) as raised:
                await fetched(http, url)
    reason = f"{status} ['content-length', 'location', 'x-why'] b'sorry' 5"
    assert raised.value.reason == reason
    assert elsewhere.connections == 0


@virtual_time_on_sockets
async def test_bodies_have_bounds() -> None:
    long = b"HTTP/1.1 %d -\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    server = Server(long % 500, long % 200)
    async with serving(server) as url, HttpClient("vendor") as http:
        with pytest.raises(ApiError, match=f"{64 * 1024}; "):
            await fetched(http, url)
        with pytest.raises(InvalidResponseError, match="does not end"):
            await http.fetch(HttpRequest(url=url), refused, deadline_s=5, max_bytes=100_000)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nHost: x", f"{KEY}é", f"{KEY}\0"])
async def test_a_key_that_no_header_can_hold_is_not_shown(key: str) -> None:
    request = HttpRequest(url="http://127.0.0.1:1/", headers={"x-key": key})
    async with HttpClient("vendor") as http:
        with pytest.raises(AuthenticationError) as raised:
            await http.fetch(request, refused, deadline_s=1)
    shown = [*traceback.format_exception(raised.value), repr(request), str(raised.value)]
    assert not any(KEY in line for line in shown)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "127.0.0.1/x", "http://[::1/", "http://"])
async def test_an_address_that_is_none(url: str) -> None:
    async with HttpClient("vendor") as http:
        with pytest.raises(UnsupportedError, match="none of HTTP"):
            await fetched(http, url)


@virtual_time_on_sockets
async def test_what_is_on_this_machine_needs_no_proxy() -> None:
    server = Server()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.setenv(name, "http://me:pass@127.0.0.1:9/")
        patch.delenv("NO_PROXY", raising=False)
        async with serving(server) as url, HttpClient("vendor") as http:
            assert await fetched(http, url) == b"hi"
            with pytest.raises(NetworkError) as raised:
                await fetched(http, "http://vendor.invalid/")
            assert "pass" not in "".join(traceback.format_exception(raised.value))


@virtual_time_on_sockets
async def test_no_error_of_httpx_comes_out() -> None:
    """Whatever answer makes no sense."""
    odd = [b"\x16\x03\x01nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno"]
    for answer in odd:

        async def handler(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = answer
        ) -> None:
            await read_request(reader)
            writer.write(said)
            await asyncio.sleep(1)

        async with serving(handler) as url, HttpClient("vendor") as http:
            with pytest.raises(NetworkError) as raised:
                await fetched(http, url)
            assert not isinstance(raised.value.__cause__, httpx.HTTPError)
            assert KEY not in "".join(traceback.format_exception(raised.value))
