"""WebSockets and plain HTTP at one port of a stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import warnings
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from .faults import Fault
from .oracle import OracleHearing
from .record import Record
from .script import Script
from .talking import talking
from .toy import KEY, ToyStandIn

HEADERS = {"X-Key": KEY}


@pytest_asyncio.fixture
async def toy(script: Script) -> AsyncIterator[ToyStandIn]:
    async with ToyStandIn(OracleHearing(script)) as toy:
        yield toy


async def listen(toy: ToyStandIn, audio: bytes) -> list[str]:
    """The words that are understood on a WebSocket."""
    async with talking(toy.ws_url + "/listen", audio, b"", headers=HEADERS) as talk:
        return [word for message in await talk.rest() for word in message["words"]]


async def test_both_are_served_at_once(toy: ToyStandIn, script: Script) -> None:
    async with (
        httpx.AsyncClient(base_url=toy.base_url, headers=HEADERS, trust_env=False) as client,
        talking(f"{toy.ws_url}/listen?a=b&a=c", script.audio, headers=HEADERS) as talk,
    ):
        answer = await client.post("/listen", content=script.audio)
        await talk.say(b"")
        words = [word for message in await talk.rest() for word in message["words"]]
        assert answer.json()["text"].split() == words == script.text.split()
        again = await client.post("/listen", content=script.audio)  # on the same connection
    assert again.json() == answer.json()
    (record,) = toy.records["stt"]
    assert (record.method, record.path, record.query) == ("GET", "/listen", {"a": ["b", "c"]})
    assert (record.headers["x-key"], record.audio) == (KEY, script.audio)


async def test_a_handshake_is_refused_as_the_vendor_does(toy: ToyStandIn) -> None:
    toy.misbehave(Fault("behave"), Fault("limited", retry_after_s=2), Fault("quota"))
    told = []
    for path, key in (("/listen", "guess"), ("/listen", KEY), ("/listen", KEY), ("/nowhere", KEY)):
        with pytest.raises(InvalidStatus) as refused:
            await connect(toy.ws_url + path, additional_headers={"X-Key": key})
        response = refused.value.response
        error = orjson.loads(response.body)["error"]
        told.append((response.status_code, error, response.headers.get("Retry-After")))
    assert told == [
        (401, "Unauthorized", None),
        (429, "Too many requests", "2"),
        (401, "The quota is used up", None),
        (404, "Not Found", None),
    ]
    assert [record.status for record in toy.records["stt"]] == [401, 429, 401]


class Careless(ToyStandIn):
    def admit(self, record: Record) -> None:
        raise RuntimeError(f"{record.service} is not done")


async def test_a_stand_in_that_breaks_says_so(script: Script) -> None:
    async def visit() -> None:
        async with Careless(OracleHearing(script)) as toy:
            with pytest.raises(InvalidStatus):
                await connect(toy.ws_url + "/listen")
            async with httpx.AsyncClient(base_url=toy.base_url, trust_env=False) as client:
                with pytest.raises(httpx.ReadError):
                    await client.post("/listen")

    with pytest.raises(ExceptionGroup) as broken:
        await visit()
    told = [str(error) for error in broken.value.exceptions]
    assert told == ["stt is not done", "files is not done"]


async def test_a_subprotocol_is_chosen(toy: ToyStandIn) -> None:
    for offered, chosen in ((["other", "toy"], "toy"), (["other"], None)):
        async with connect(
            toy.ws_url + "/listen",
            additional_headers=HEADERS,
            subprotocols=offered,  # type: ignore[arg-type]
        ) as connection:
            assert connection.subprotocol == chosen


async def test_faults_can_be_taken_back(toy: ToyStandIn, script: Script) -> None:
    toy.misbehave(Fault("refuse"), Fault("refuse"))
    with pytest.raises((InvalidMessage, ConnectionResetError)):
        await listen(toy, script.audio)
    toy.behave()
    assert await listen(toy, script.audio) == script.text.split()


async def test_nobody_may_be_listening_for_a_while(toy: ToyStandIn, script: Script) -> None:
    async with httpx.AsyncClient(base_url=toy.base_url, headers=HEADERS, trust_env=False) as client:
        assert (await client.post("/listen", content=b"")).status_code == 200
        toy.stop_listening()
        assert (await client.post("/listen", content=b"")).status_code == 200
        with pytest.raises(ConnectionRefusedError):
            await listen(toy, b"")
    await toy.listen()
    assert await listen(toy, script.audio) == script.text.split()


async def test_half_a_head_is_nobody_yet(toy: ToyStandIn, script: Script) -> None:
    request = f"POST /listen HTTP/1.1\r\nHost: x\r\nX-Key: {KEY}\r\nContent-Length: 0\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(toy.base_url).port)
    for byte in request[:-2].encode():
        writer.write(bytes([byte]))
        await writer.drain()
    assert toy.records["files"] == []
    writer.write(request[-2:].encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def test_a_stand_in_that_ends_leaves_nothing_open(script: Script) -> None:
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        async with ToyStandIn(OracleHearing(script)) as toy:
            client = socket.create_connection(("127.0.0.1", httpx.URL(toy.base_url).port))
            for said in (b"", b"POST /listen HTTP/1.1\r\nX-Ke"):
                client.sendall(said)
                await asyncio.sleep(0)
        with client:
            client.settimeout(5)
            # Gone, in whichever way: what it had said was not read.
            with contextlib.suppress(ConnectionResetError):
                assert not client.recv(1)
    assert not [str(one.message) for one in complaints]
