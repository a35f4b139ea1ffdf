from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from providers.errors import ApiError, InvalidResponseError
from providers.http import HttpClient
from providers.http_request import HttpRequest
from providers.tts.voice_list import MAX_PAGES, VoiceList
from providers.types import Voice
from tests.providers.wire import answering
from tests.virtual_time import virtual_time_on_sockets

SPOKEN = ("en-US", "en-GB", "en", "de-DE", "")
VOICES = [Voice(f"v{at}", "V", language, provider="vendor") for at, language in enumerate(SPOKEN)]


class Endless:
    """Every page has a next one."""

    asked = 0

    def __init__(self, url: str) -> None:
        self._url = url

    def request(self, token: str | None) -> HttpRequest:
        self.asked += 1
        return HttpRequest(url=f"{self._url}?token={token}", method="GET")

    def read(self, body: bytes) -> tuple[Sequence[Voice], str | None]:
        return (), body.decode()


@pytest.mark.parametrize(
    ("language", "ids"),
    [
        (None, ["v0", "v1", "v2", "v3", "v4"]),
        ("en", ["v0", "v1", "v2", "v4"]),
        ("en-us", ["v0", "v2", "v4"]),
        ("de", ["v3", "v4"]),
        ("fr", ["v4"]),
    ],
)
async def test_known_voices_by_language(language: str | None, ids: list[str]) -> None:
    async with HttpClient("vendor") as http:
        listed = VoiceList(lambda: VOICES, None, lambda *_: ApiError("vendor", "no"), http)
        assert [voice.id for voice in await listed.fetch(language)] == ids


@virtual_time_on_sockets
async def test_a_list_without_an_end_is_an_error() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")

    async with answering(handler) as url, HttpClient("vendor") as http:
        pages = Endless(url.replace("ws://", "http://"))
        listed = VoiceList(list, pages, lambda *_: ApiError("vendor", "no"), http)
        with pytest.raises(InvalidResponseError, match="vendor: the list of voices does not end"):
            await listed.fetch()
        assert pages.asked == MAX_PAGES
