"""Synthesis over HTTP: on a server that a test writes, and on ElevenLabs' stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_16K
from providers.catalog import build_tts
from providers.errors import (
    ApiError,
    AuthenticationError,
    InvalidResponseError,
    NetworkError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
)
from providers.http import HttpClient
from providers.http_request import HttpRequest
from providers.tts.http_synthesis import HttpTts
from providers.tts.text_synthesis import WARM_S
from providers.types import TtsCapabilities, TtsOptions, TtsProvider, Voice
from tests.background import until
from tests.providers.wire import answering
from tests.vendors.elevenlabs.access import ACCESS
from tests.vendors.elevenlabs.standin import ElevenLabsStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

TEXT = "How may I help you today?"
AUDIO = bytes(range(256)) * 10


class PlainVendor:
    """Answers with linear samples, two bytes each."""

    name = "plain"
    capabilities = TtsCapabilities()
    format = PCM16_16K
    max_text_bytes = 1_000
    voice_pages = None
    answer_s: float | None = None

    def __init__(self, url: str, warm_by: tuple[int, ...] = ()) -> None:
        self._url = url
        self.warm_by = warm_by

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return ApiError(self.name, str(status))

    def warm_up(self) -> HttpRequest:
        return HttpRequest(url=self._url, method="GET")

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        return HttpRequest(url=self._url, body=text.encode())

    def reader(self) -> Callable[[bytes], bytes]:
        return bytes

    def check(self, options: TtsOptions) -> None:
        return

    def voices(self) -> list[Voice]:
        return [Voice("v", "V", "en")]


async def said(tts: TtsProvider, text: str = TEXT) -> list[bytes]:
    async with asyncio.timeout(60), aclosing(tts.synthesize(text, TtsOptions())) as chunks:
        return [chunk.audio async for chunk in chunks]


@asynccontextmanager
async def plain(*answers: list[bytes], warm_by: tuple[int, ...] = ()) -> AsyncIterator[HttpTts]:
    """A synthesizer whose server gives these answers in such pieces, each on its connection."""
    waiting = list(answers)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in waiting.pop(0):
            writer.write(piece)
            await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()

    before = len(asyncio.all_tasks())
    async with answering(handler) as url:
        tts = HttpTts(PlainVendor(url.replace("ws://", "http://"), warm_by))
        try:
            yield tts
        finally:
            await tts.aclose()
    # See tests/providers/test_http.py.
    await until(lambda: len(asyncio.all_tasks()) <= before)


def head(kind: str = "audio/pcm", length: int = len(AUDIO)) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()


@virtual_time_on_sockets
async def test_samples_are_whole_though_the_network_cuts_them() -> None:
    async with plain([head(), AUDIO[:101], AUDIO[101:102], AUDIO[102:333], AUDIO[333:]]) as tts:
        pieces = await said(tts)
    assert b"".join(pieces) == AUDIO
    assert all(len(piece) % 2 == 0 for piece in pieces)


@virtual_time_on_sockets
async def test_what_was_given_of_a_text_is_not_given_again() -> None:
    broken = [head(), AUDIO[:101], AUDIO[101:333]]
    async with plain(broken, broken, [head(), AUDIO]) as tts:
        assert b"".join(await said(tts)) == AUDIO


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ([head("text/html"), AUDIO], InvalidResponseError),
        ([head("application/json; charset=utf-8"), AUDIO], InvalidResponseError),
        ([b""], NetworkError),
    ],
)
@virtual_time_on_sockets
async def test_an_answer_that_is_no_audio(answer: list[bytes], kind: type[ProviderError]) -> None:
    async with plain(*[answer] * 50) as tts:
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(kind) as raised:
            await said(tts)
        assert raised.value.retryable
        assert 1 < asyncio.get_running_loop().time() - began_s < 3.2
    async with plain(answer, [head(), AUDIO]) as tts:
        assert b"".join(await said(tts)) == AUDIO


@virtual_time_on_sockets
async def test_an_answer_without_audio_is_asked_for_once_more() -> None:
    empty = [head(length=0)]
    async with plain(empty, [head(), AUDIO], empty, empty) as tts:
        assert b"".join(await said(tts)) == AUDIO
        with pytest.raises(UnsupportedError, match="without audio") as raised:
            await said(tts)
        assert not raised.value.retryable


@virtual_time_on_sockets
async def test_a_refusal_is_not_tried_again() -> None:
    async with plain([b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"]) as tts:
        with pytest.raises(ApiError, match="400"):
            await said(tts)
        assert tts.reached is False
        assert [voice.id for voice in await tts.voices("en-US")] == ["v"]
        assert await tts.voices("de") == []


@asynccontextmanager
async def elevenlabs(
    script: Script, *models: Fault, api_key: str = "stand-in-key", pace: float | None = None
) -> AsyncIterator[tuple[TtsProvider, ElevenLabsStandIn]]:
    faults = {"models": models}
    async with ElevenLabsStandIn(OracleHearing(script), faults=faults, pace=pace) as standin:
        settings = {**ACCESS.settings(standin), "api_key": api_key}
        tts = build_tts("elevenlabs-http", **settings)
        try:
            yield tts, standin
        finally:
            await tts.aclose()


@virtual_time_on_sockets
async def test_a_connection_is_warm_before_the_first_text(script: Script) -> None:
    async with elevenlabs(script) as (tts, standin):
        for _ in range(3):
            await tts.start()
        assert tts.reached
        await said(tts)
        assert len(standin.records["models"]) == 1
        await asyncio.sleep(WARM_S + 1)
        await tts.start()
        assert len(standin.records["models"]) == 2


@virtual_time_on_sockets
async def test_a_wrong_key_is_told_at_the_start(script: Script) -> None:
    async with elevenlabs(script, api_key="wrong") as (tts, _):
        with pytest.raises(AuthenticationError):
            await tts.start()
        assert not tts.reached


@virtual_time_on_sockets
async def test_a_server_that_knows_nothing_but_texts_is_reached_too() -> None:
    unknown = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with plain([unknown]) as tts:
        with pytest.raises(ApiError):
            await tts.start()
    async with plain([unknown], [head(), AUDIO], warm_by=(404,)) as tts:
        await tts.start()
        assert tts.reached
        assert b"".join(await said(tts)) == AUDIO


@virtual_time_on_sockets
async def test_a_vendor_that_is_down_at_the_start_may_come_up(script: Script) -> None:
    async with elevenlabs(script, Fault("busy")) as (tts, _):
        with capture_logs() as logs:
            await tts.start()
        assert [entry["event"] for entry in logs] == ["synthesizer not reached yet"]
        assert not tts.reached
        await said(tts)
        assert tts.reached


@virtual_time_on_sockets
async def test_closing_fails_what_is_being_spoken(script: Script) -> None:
    """Also when others keep the loop's client open."""
    async with elevenlabs(script, pace=1.0) as (tts, standin), HttpClient("another") as another:
        request = HttpRequest(url=f"{standin.base_url}/", method="GET")
        with pytest.raises(ApiError):
            await another.fetch(request, lambda *_: ApiError("another", "no"), deadline_s=5)
        async with aclosing(tts.synthesize(TEXT, TtsOptions())) as chunks:
            await anext(chunks)
            await tts.aclose()
            with pytest.raises(UnavailableError, match="closed"):
                await anext(chunks)
        with pytest.raises(UnavailableError, match="closed"):
            await said(tts)
        await tts.start()
        assert await said(tts)


@virtual_time_on_sockets
async def test_a_text_that_is_interrupted_ends_its_answer(script: Script) -> None:
    async with elevenlabs(script, pace=1.0) as (tts, standin):
        async with aclosing(tts.synthesize(TEXT, TtsOptions())) as chunks:
            await anext(chunks)
        (record,) = standin.records["tts-http"]
        await asyncio.wait_for(record.ended.wait(), 5)
        assert record.left
