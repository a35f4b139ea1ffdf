"""PURE: Deepgram's text-to-speech over HTTP, `POST /v1/speak`: Aura, a request for each text.

Source: https://developers.deepgram.com/reference/text-to-speech/speak-request
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from ..http_request import HttpRequest
from ..types import TtsOptions
from .deepgram_speech import DeepgramSpeech

__all__ = ["DeepgramHttpSynthesizer"]


class DeepgramHttpSynthesizer(DeepgramSpeech):
    """The `HttpTtsVendor` for Deepgram.

    Args:
        account: key, address, voice; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "deepgram-http"
    answer_s = None
    warm_by = ()

    def warm_up(self) -> HttpRequest:
        """What asks whose key it is."""
        account = self.account
        return HttpRequest(
            url=account.http_url("/v1/auth/token"), method="GET", headers=account.headers
        )

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken. In a container, which is the default, there would be a header."""
        query = [*self.query(options), ("container", "none")]
        return HttpRequest(
            url=self.account.http_url("/v1/speak", query),
            headers={**self.account.headers, "Content-Type": "application/json"},
            body=orjson.dumps({"text": text}),
        )

    def reader(self) -> Callable[[bytes], bytes]:
        """The pieces are audio as they are."""
        return bytes
