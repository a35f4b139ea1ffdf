"""Recognition of whole recordings over HTTP, for every vendor that answers one with its words."""

from __future__ import annotations

from typing import Protocol

from ..honoured import Honoured
from ..http import HttpClient
from ..http_request import HttpRequest, Refused
from ..options import Honours
from ..results import AudioData, Container, TranscriptionResult
from ..types import SttCapabilities, SttOptions
from .recording import check_recording

__all__ = ["FileVendor", "HttpFiles"]

SHORTEST_S, LONGEST_S = 30.0, 600.0
SECONDS_PER_MB = 10.0
"""How long a vendor may take: it depends on the audio's length, and that on its size."""


class FileVendor(Protocol):
    """What must be known of a vendor that answers a recording with its words.

    Attributes:
        capabilities: `audio` is what it takes raw.
        honours: as of `SttVendor`.
        containers: what else it takes, as it is.
        max_bytes, max_ms: of one recording.
        refused: what an HTTP status of 300 or more means.
    """

    @property
    def name(self) -> str: ...
    @property
    def capabilities(self) -> SttCapabilities: ...
    @property
    def honours(self) -> Honours | None: ...
    @property
    def containers(self) -> tuple[Container, ...]: ...
    @property
    def max_bytes(self) -> int: ...
    @property
    def max_ms(self) -> float | None: ...
    @property
    def refused(self) -> Refused: ...

    def request(self, audio: AudioData, options: SttOptions) -> HttpRequest:
        """What has a recording understood.

        Raises:
            UnsupportedError: an option cannot be honoured.
        """

    def result(self, body: bytes, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """What the vendor has understood.

        Raises:
            InvalidResponseError: it is no answer of the protocol.
        """


class HttpFiles:
    """The `FileRecognizer` of a vendor that takes recordings over HTTP.

    Args:
        vendor: which one.
    """

    def __init__(self, vendor: FileVendor) -> None:
        self._vendor = vendor
        self._http = HttpClient(vendor.name)
        self._honoured = Honoured(vendor.name, vendor.capabilities, vendor.honours)
        self.name = vendor.name
        self.capabilities = vendor.capabilities
        self.containers = vendor.containers
        self.max_bytes = vendor.max_bytes
        self.max_ms = vendor.max_ms

    async def transcribe(self, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """Understand a whole recording.

        Raises:
            ProviderError: the vendor refuses, cannot be reached, or does not take such audio.
        """
        check_recording(self, audio)
        self._honoured.note(options)
        request = self._vendor.request(audio, options)
        size_s = len(audio.data) / 1e6 * SECONDS_PER_MB
        deadline_s = min(LONGEST_S, SHORTEST_S + size_s)
        answer = await self._http.fetch(request, self._vendor.refused, deadline_s=deadline_s)
        return self._vendor.result(answer.body, audio, options)

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._http.aclose()
