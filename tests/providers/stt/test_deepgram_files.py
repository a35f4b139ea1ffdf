from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from media.audio import ULAW_8K
from providers.errors import AuthenticationError, InvalidResponseError
from providers.results import AudioData, Word
from providers.stt.deepgram_files import DeepgramFiles
from providers.types import SttOptions
from tests.providers.recorded import recorded

RAW = AudioData(b"\x7f" * 800, ULAW_8K)
VENDOR = DeepgramFiles(api_key="the-key", base_url="http://127.0.0.1:9")


def test_what_is_asked() -> None:
    request = VENDOR.request(RAW, SttOptions(diarization=True))
    url = urlsplit(request.url)
    assert f"{request.method} {url.scheme}://{url.netloc}{url.path}" == (
        "POST http://127.0.0.1:9/v1/listen"
    )
    assert parse_qs(url.query) == {
        "model": ["nova-3"],
        "language": ["en-US"],
        "punctuate": ["true"],
        "diarize_model": ["latest"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
    }
    assert request.body == RAW.data
    assert request.headers["Authorization"] == "Token the-key"
    wav = VENDOR.request(AudioData(b"RIFF", None, "wav"), SttOptions())
    assert "encoding" not in wav.url


def test_what_is_understood() -> None:
    (answer,) = recorded("deepgram_files")
    result = VENDOR.result(answer.encode(), RAW, SttOptions(language="auto"))
    assert (result.text, result.provider, result.language) == ("Yes, I can.", "deepgram", "en")
    assert (result.duration_ms, result.confidence) == (2500, 0.98)
    assert result.words == (
        Word("Yes,", 400, 640, 0.98, "0"),
        Word("I", 800, 880),
        Word("can.", 960, 1280, 0.97),
    )


def test_the_language_is_what_it_was_told_where_it_does_not_say() -> None:
    alternative = {"transcript": "", "words": []}
    channels = [{"alternatives": [alternative]}]
    body = orjson.dumps({"metadata": {"duration": 1}, "results": {"channels": channels}})
    result = VENDOR.result(body, RAW, SttOptions(language="de"))
    assert (result.text, result.language, result.confidence) == ("", "de", None)
    assert VENDOR.result(body, RAW, SttOptions(language="de-AT")).language == "de-AT"
    assert VENDOR.result(body, RAW, SttOptions(language="auto")).language is None
    assert VENDOR.result(body, RAW, SttOptions(languages=("de",))).language is None
    english = SttOptions(language="auto", model="nova-2-phonecall", languages=("en",))
    assert VENDOR.result(body, RAW, english).language == "en"
    german = DeepgramFiles(api_key="the-key", language="de")
    assert german.result(body, RAW, SttOptions()).language == "de"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"results":{"channels":[]}}',
        b'{"results":{"channels":[{"alternatives":[{"transcript":7}]}]}}',
        b'{"request_id":"x"}',
        b'{"metadata":{"duration":1},"results":{"channels":[{"alternatives":[{"transcript":"a",'
        b'"words":[{"word":"a","start":1e308,"end":2}]}]}]}}',
    ],
)
def test_what_cannot_be_read_raises(body: bytes) -> None:
    with pytest.raises(InvalidResponseError):
        VENDOR.result(body, RAW, SttOptions())


def test_what_is_refused() -> None:
    assert isinstance(VENDOR.refused(401, {}, b""), AuthenticationError)
