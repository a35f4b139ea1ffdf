"""PURE: ElevenLabs' text-to-speech over HTTP: for the models that its WebSocket does not serve.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from ..http_request import HttpRequest
from ..types import TtsOptions
from .elevenlabs_speech import ElevenLabsSpeech

__all__ = ["ElevenLabsHttpSynthesizer"]


class ElevenLabsHttpSynthesizer(ElevenLabsSpeech):
    """The `HttpTtsVendor` for ElevenLabs.

    Args:
        account: key, address, model, voice; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "elevenlabs-http"
    # The newest models take the least: 3,000 to 5,000 characters.
    max_text_bytes = 3_000
    answer_s = None
    warm_by = ()

    def warm_up(self) -> HttpRequest:
        """The list of models: it costs nothing, and needs a right key."""
        return HttpRequest(
            url=self.account.url("v1", "models"), method="GET", headers=self.account.headers
        )

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken, as µ-law without a header."""
        speech = self.speech(options)
        fields: dict[str, Any] = {"text": text, "model_id": speech.model, **speech.settings()}
        if speech.language is not None:
            fields["language_code"] = speech.language
        path = ("v1", "text-to-speech", speech.voice, "stream")
        return HttpRequest(
            url=self.account.url(*path, query=[("output_format", "ulaw_8000")]),
            headers={**self.account.headers, "content-type": "application/json"},
            body=orjson.dumps(fields),
        )

    def reader(self) -> Callable[[bytes], bytes]:
        """Its answers are audio, and nothing else."""
        return bytes
