"""PURE: ElevenLabs' text-to-speech over HTTP: for the models that its WebSocket does not serve.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from media.audio import ULAW_8K

from ..elevenlabs import ElevenLabsAccount
from ..elevenlabs_errors import refusal
from ..errors import ProviderError
from ..http_request import HttpRequest
from ..types import TtsCapabilities, TtsOptions, Voice
from .elevenlabs_speech import OPTIONS, Speech, spoken_languages
from .elevenlabs_voices import ElevenLabsVoices

__all__ = ["ElevenLabsHttpSynthesizer"]


class ElevenLabsHttpSynthesizer:
    """The `HttpTtsVendor` for ElevenLabs.

    Args:
        account: key, address, model, voice; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "elevenlabs-http"
    format = ULAW_8K
    # The newest models take the least: 3,000 to 5,000 characters.
    max_text_bytes = 3_000
    answer_s = None
    warm_by = ()

    def __init__(self, **account: Any) -> None:
        self._account = ElevenLabsAccount(**account)
        self.voice_pages = ElevenLabsVoices(self.name, self._account)
        self.capabilities = TtsCapabilities(
            languages=spoken_languages(self._account.tts_model), options=OPTIONS
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(self.name, status, headers, body)

    def warm_up(self) -> HttpRequest:
        """The list of models: it costs nothing, and needs a right key."""
        return HttpRequest(
            url=self._account.url("v1", "models"), method="GET", headers=self._account.headers
        )

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken, as µ-law without a header."""
        speech = Speech(self.name, self._account, options)
        fields: dict[str, Any] = {"text": text, "model_id": speech.model, **speech.settings()}
        if speech.language is not None:
            fields["language_code"] = speech.language
        path = ("v1", "text-to-speech", speech.voice, "stream")
        return HttpRequest(
            url=self._account.url(*path, query=[("output_format", "ulaw_8000")]),
            headers={**self._account.headers, "content-type": "application/json"},
            body=orjson.dumps(fields),
        )

    def reader(self) -> Callable[[bytes], bytes]:
        """Its answers are audio, and nothing else."""
        return bytes

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """
        Speech(self.name, self._account, options)

    def voices(self) -> list[Voice]:
        """None is known without asking."""
        return []
