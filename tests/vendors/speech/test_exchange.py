"""Plain HTTP at a stand-in: what is answered, what is kept, and what goes wrong on command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from media.audio import Encoding, encode
from tests.virtual_time import virtual_time_on_sockets

from .faults import GARBAGE, Fault, Garbage, Kind
from .oracle import OracleHearing
from .script import Script
from .toy import KEY, ToyStandIn
from .voices import tones

TEXT = "Hello, this is Parley."
SPOKEN = encode(tones(TEXT, 8_000), Encoding.ULAW)


@pytest_asyncio.fixture
async def toy(script: Script) -> AsyncIterator[ToyStandIn]:
    async with ToyStandIn(OracleHearing(script)) as toy:
        yield toy


@pytest_asyncio.fixture
async def client(toy: ToyStandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=toy.base_url, headers={"X-Key": KEY}, timeout=5, trust_env=False
    ) as client:
        yield client


async def speak(client: httpx.AsyncClient) -> tuple[bytes, httpx.HTTPError | None]:
    """What is spoken, and what ended that before it was whole."""
    heard = b""
    try:
        async with client.stream("POST", "/speak/ada", json={"text": TEXT}) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                heard += piece
    except httpx.HTTPError as error:
        return heard, error
    return heard, None


async def test_what_is_spoken_is_streamed(toy: ToyStandIn, client: httpx.AsyncClient) -> None:
    answer = await client.post("/speak/ada?rate=8000&tag=a&tag=", json={"text": TEXT})
    assert answer.content == SPOKEN
    assert (answer.headers["content-type"], answer.headers["x-characters"]) == ("audio/basic", "22")
    (record,) = toy.records["tts"]
    assert (record.method, record.path, record.params) == ("POST", "/speak/ada", {"voice": "ada"})
    assert record.query == {"rate": ["8000"], "tag": ["a", ""]}
    assert (record.asked("rate"), record.asked("speed")) == ("8000", None)
    assert (record.key, record.headers["content-type"]) == ("right", "application/json")
    await toy.until(record.ended.is_set)
    assert (record.status, record.left) == (200, False)
    assert b"".join(frame.data for frame in record.sent if isinstance(frame.data, bytes)) == SPOKEN
    assert KEY not in repr(record)


async def test_a_file_is_understood(
    toy: ToyStandIn, client: httpx.AsyncClient, script: Script
) -> None:
    answer = await client.post("/listen", content=script.audio)
    assert answer.json() == {"text": script.text}
    (record,) = toy.records["files"]
    assert (record.audio, record.audio_bytes) == (script.audio, len(script.audio))
    other = await client.post("/listen", content=script.audio[::-1])
    assert other.json() == {"text": ""}


async def test_a_form_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/form", files={"file": ("a.wav", b"RIFF")}, data={"model": "m"})
    assert answer.json() == ["a.wav", 4]
    refused = await client.post("/form", json={})
    assert (refused.status_code, refused.json()["at"]) == (400, "files")
    for body in (b"{", b"[]"):
        assert (await client.post("/speak/ada", content=body)).status_code == 400


async def test_who_has_no_business_here_is_refused(
    toy: ToyStandIn, client: httpx.AsyncClient
) -> None:
    wrong = await client.post("/speak/ada", json={"text": TEXT}, headers={"X-Key": "guess"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Unauthorized", "at": "tts"})
    assert toy.records["tts"][0].key == "wrong"
    for method, path in (("GET", "/listen"), ("POST", "/nowhere"), ("POST", "/speak/ada/x")):
        nothing = await client.request(method, path)
        assert (nothing.status_code, nothing.json()["at"]) == (404, "")


@pytest.mark.parametrize(
    ("fault", "status", "waits"),
    [
        (Fault("denied"), 401, None),
        (Fault("busy"), 503, None),
        (Fault("limited", retry_after_s=2.5), 429, "3"),
        (Fault("quota"), 401, None),  # as this vendor says it
        (Fault("error", code=422), 422, None),
    ],
)
async def test_an_error_is_worded_by_the_vendor(
    toy: ToyStandIn, client: httpx.AsyncClient, fault: Fault, status: int, waits: str | None
) -> None:
    toy.misbehave(fault, service="tts")
    refused = await client.post("/speak/ada", json={"text": TEXT})
    assert (refused.status_code, refused.headers.get("retry-after")) == (status, waits)
    assert refused.json()["at"] == "tts"
    assert (await speak(client)) == (SPOKEN, None)
    assert [record.status for record in toy.records["tts"]] == [status, 200]


@pytest.mark.parametrize("kind", ["refuse", "reset", "close"])
async def test_a_connection_breaks(toy: ToyStandIn, client: httpx.AsyncClient, kind: Kind) -> None:
    toy.misbehave(Fault(kind), service="tts")
    heard, error = await speak(client)
    assert (heard, isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)) == (b"", True)
    assert isinstance(error, httpx.RemoteProtocolError) is (kind == "close")
    assert toy.records["tts"][0].status is None


@pytest.mark.parametrize("kind", ["reset", "close"])
@pytest.mark.parametrize("at_bytes", [1, 700, 1_000_000])
async def test_an_answer_breaks_off(
    toy: ToyStandIn, client: httpx.AsyncClient, kind: Kind, at_bytes: int
) -> None:
    toy.misbehave(Fault(kind, at_bytes=at_bytes), service="tts")
    heard, error = await speak(client)
    assert heard == SPOKEN[:at_bytes]
    assert isinstance(error, httpx.RemoteProtocolError if kind == "close" else httpx.ReadError)
    assert not toy.records["tts"][0].left


@pytest.mark.parametrize("at_bytes", [0, 700])
async def test_an_answer_stalls(toy: ToyStandIn, client: httpx.AsyncClient, at_bytes: int) -> None:
    toy.misbehave(Fault("stall", at_bytes=at_bytes), service="tts")
    client.timeout = httpx.Timeout(0.1)
    heard, error = await speak(client)
    assert heard == SPOKEN[:at_bytes]
    assert isinstance(error, httpx.ReadTimeout)
    (record,) = toy.records["tts"]
    await toy.until(record.ended.is_set)
    assert record.left


async def test_a_request_is_not_read(toy: ToyStandIn, client: httpx.AsyncClient) -> None:
    toy.misbehave(Fault("deaf"), service="files")
    client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.WriteTimeout):
        await client.post("/listen", content=bytes(20_000_000))
    assert toy.records["files"][0].audio == b""


@pytest.mark.parametrize("path", ["/speak/ada", "/listen"])
@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_answer_makes_no_sense(
    toy: ToyStandIn, client: httpx.AsyncClient, garbage: Garbage, path: str
) -> None:
    for service in ("tts", "files"):
        toy.misbehave(Fault("garbage", garbage=garbage), service=service)
    answer = await client.post(path, json={"text": TEXT})
    expected = GARBAGE[garbage]
    assert answer.content == (expected if isinstance(expected, bytes) else expected.encode())
    assert answer.status_code == 200


async def test_an_answer_is_slow(toy: ToyStandIn, client: httpx.AsyncClient) -> None:
    toy.misbehave(Fault("slow", delay_ms=60), service="tts")
    began_s = time.monotonic()
    assert await speak(client) == (SPOKEN, None)
    assert time.monotonic() - began_s > 0.06


def test_an_answer_takes_as_long_as_it_is_spoken(script: Script) -> None:
    @virtual_time_on_sockets
    async def run() -> None:
        async with (
            ToyStandIn(OracleHearing(script), pace=0.01) as toy,
            httpx.AsyncClient(
                base_url=toy.base_url, params={"key": KEY}, timeout=60, trust_env=False
            ) as client,
        ):
            began_s = asyncio.get_running_loop().time()
            assert await speak(client) == (SPOKEN, None)
            took_s = asyncio.get_running_loop().time() - began_s
        assert took_s == pytest.approx(len(SPOKEN) / 8_000 / 0.01, rel=0.01)

    run()


async def test_a_client_that_leaves_is_not_spoken_to(script: Script) -> None:
    async with (
        ToyStandIn(OracleHearing(script), pace=0.001) as toy,
        httpx.AsyncClient(base_url=toy.base_url, params={"key": KEY}, trust_env=False) as client,
    ):
        asking = asyncio.create_task(speak(client))
        await toy.until(lambda: toy.at_once("tts") == 1)
        asking.cancel()
        await asyncio.wait([asking])
        await toy.until(toy.records["tts"][0].ended.is_set)
        assert toy.records["tts"][0].left


async def test_a_stand_in_that_ends_drops_everybody(script: Script) -> None:
    async with httpx.AsyncClient(headers={"X-Key": KEY}, trust_env=False) as client:
        async with ToyStandIn(OracleHearing(script), pace=0.001) as toy:
            client.base_url = httpx.URL(toy.base_url)
            asking = asyncio.create_task(speak(client))
            await toy.until(lambda: toy.at_once("tts") == 1)
        heard, error = await asking
    assert heard == b""
    assert error is not None


async def test_a_fault_that_is_none_is_told(script: Script) -> None:
    with pytest.raises(ExceptionGroup) as broken:
        async with (
            ToyStandIn(OracleHearing(script), faults={"tts": [Fault("hold")]}) as toy,
            httpx.AsyncClient(base_url=toy.base_url, trust_env=False) as client,
        ):
            await speak(client)
    assert broken.group_contains(ValueError, match="hold is no fault")
