"""PURE: Azure's text-to-speech over HTTP, `POST /cognitiveservices/v1`: a request for each text.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
"""

from __future__ import annotations

from collections.abc import Callable

from ..http_request import HttpRequest
from ..types import TtsOptions
from .azure_speech import OUTPUT_FORMAT, AzureSpeech
from .azure_ssml import document

__all__ = ["AzureHttpSynthesizer"]


class AzureHttpSynthesizer(AzureSpeech):
    """The `HttpTtsVendor` for Azure.

    Args:
        account: key, region, voice, style; see `AzureAccount`.

    Raises:
        MissingKeyError: there is no key, or no region.
    """

    name = "azure-http"
    answer_s = None
    # No document is a wrong one, but whose key it is is looked at before (assumed).
    warm_by = (400,)

    def warm_up(self) -> HttpRequest:
        """What costs nothing, and is answered by who will answer texts."""
        return self._request("")

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken."""
        return self._request(document(self.style(options), text, markup=options.ssml))

    def reader(self) -> Callable[[bytes], bytes]:
        """Its answers are audio, and nothing else."""
        return bytes

    def _request(self, ssml: str) -> HttpRequest:
        return HttpRequest(
            url=self.account.tts_url("/cognitiveservices/v1"),
            headers={
                **self.account.headers,
                "Content-Type": "application/ssml+xml",
                "X-Microsoft-OutputFormat": OUTPUT_FORMAT,
                "User-Agent": "parley",  # which it insists on
            },
            body=ssml.encode(),
        )
