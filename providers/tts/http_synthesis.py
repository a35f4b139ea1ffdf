"""Streaming synthesis over HTTP, for every vendor that answers a text with its audio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Protocol

from ..errors import InvalidResponseError
from ..http import HttpClient
from ..http_request import HttpRequest
from ..session import Deadlines
from ..types import TtsOptions, Voice
from .synthesis import DEADLINES
from .text_synthesis import TextTts
from .vendor import ListingVendor
from .voice_list import VoiceList

__all__ = ["HttpTts", "HttpTtsVendor"]


class HttpTtsVendor(ListingVendor, Protocol):
    """What must be known of a vendor that answers a text with its audio.

    Attributes:
        answer_s: how long it may take before its audio comes; None is as long as others may.
        warm_by: statuses of 300 or more with which the warm-up may be answered, too.
    """

    @property
    def answer_s(self) -> float | None: ...
    @property
    def warm_by(self) -> Collection[int]: ...

    def warm_up(self) -> HttpRequest:
        """A small request that is refused when the key is wrong."""

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken."""

    def reader(self) -> Callable[[bytes], bytes]:
        """What makes the audio of one answer of its pieces, such as by leaving out a header.

        It is called with an empty piece at the end. Calling it raises `InvalidResponseError` or
        `UnsupportedFormatError` for what is no audio, or none that was asked for.
        """


class HttpTts(TextTts):
    """The `TtsProvider` of a vendor that speaks over HTTP.

    Args:
        vendor: which one.
        deadlines: how long it may take.
    """

    def __init__(self, vendor: HttpTtsVendor, deadlines: Deadlines = DEADLINES) -> None:
        super().__init__(vendor, _AskedOverHttp(vendor), deadlines)


class _AskedOverHttp:
    """How a vendor is asked over HTTP; see `Asked`."""

    def __init__(self, vendor: HttpTtsVendor) -> None:
        self._vendor = vendor
        self._http = HttpClient(vendor.name)
        self._voices = VoiceList(vendor.voices, vendor.voice_pages, vendor.refused, self._http)

    async def warm_up(self, deadline_s: float) -> None:
        await self._http.fetch(
            self._vendor.warm_up(),
            self._vendor.refused,
            deadline_s=deadline_s,
            allowed=self._vendor.warm_by,
        )

    async def answer(
        self, text: str, options: TtsOptions, answer_s: float
    ) -> AsyncGenerator[bytes, None]:
        read, refused = self._vendor.reader(), self._vendor.refused
        request = self._vendor.request(text, options)
        answer_s = self._vendor.answer_s or answer_s
        async with self._http.stream(request, refused, answer_s=answer_s) as answer:
            self._check_audio(answer.headers)
            async with aclosing(answer.pieces()) as pieces:
                async for piece in pieces:
                    if piece:
                        yield read(piece)
            yield read(b"")

    async def voices(self, language: str | None) -> list[Voice]:
        return await self._voices.fetch(language)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _check_audio(self, headers: Mapping[str, str]) -> None:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("text/") or kind in ("application/json", "application/xml"):
            # It may come of a server in between: another attempt is worth it.
            raise InvalidResponseError(
                self._vendor.name,
                f"a text was answered with {kind}, not with audio",
                retryable=True,
            )
