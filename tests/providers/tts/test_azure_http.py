from __future__ import annotations

from providers.tts.azure_http import AzureHttpSynthesizer
from providers.tts.azure_ssml import document
from providers.types import TtsOptions

VENDOR = AzureHttpSynthesizer(speech_key="the-key", speech_region="westeurope")
URL = "https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1"


def test_a_request() -> None:
    options = TtsOptions(language="de-DE", speed=1.2)
    request = VENDOR.request("Grüß & Gott", options)
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers == {
        "Ocp-Apim-Subscription-Key": "the-key",
        "Content-Type": "application/ssml+xml",
        "X-Microsoft-OutputFormat": "raw-8khz-8bit-mono-mulaw",
        "User-Agent": "parley",
    }
    assert request.body.decode() == document(VENDOR.style(options), "Grüß & Gott", markup=False)
    ssml = VENDOR.request("<break/>Hi", TtsOptions(ssml=True))
    assert b"<break/>Hi" in ssml.body


def test_what_warms_a_connection() -> None:
    request = VENDOR.warm_up()
    assert (request.method, request.url, request.body) == ("POST", URL, b"")
    assert VENDOR.warm_by == (400,)
    assert VENDOR.reader()(b"\xff") == b"\xff"
