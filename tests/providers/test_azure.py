from __future__ import annotations

import orjson
import pytest

from providers.azure import AzureAccount, closing, failure, refusal, socket_url
from providers.codec import Close
from providers.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    InvalidAudioError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)

KEY = "the-key"


def account(region: str = "westeurope", base_url: str | None = None) -> AzureAccount:
    return AzureAccount(speech_key=KEY, speech_region=region, base_url=base_url)


def test_an_account_needs_a_key_and_does_not_show_it() -> None:
    with pytest.raises(MissingKeyError, match="AZURE_SPEECH_KEY"):
        AzureAccount(speech_region="westeurope")
    assert KEY not in repr(account())
    assert account().headers == {"Ocp-Apim-Subscription-Key": KEY}


def test_an_account_is_somewhere() -> None:
    with pytest.raises(MissingKeyError, match="AZURE_SPEECH_REGION"):
        AzureAccount(speech_key=KEY)
    with pytest.raises(UnsupportedError, match="AZURE_SPEECH_REGION"):
        account("westeurope.example.com/")
    assert account("", "https://one.example").api_url("/x") == "https://one.example/x"


@pytest.mark.parametrize(
    ("region", "speech", "api"),
    [
        ("westeurope", "speech.microsoft.com", "api.cognitive.microsoft.com"),
        ("West Europe", "speech.microsoft.com", "api.cognitive.microsoft.com"),
        ("usgovvirginia", "speech.azure.us", "api.cognitive.microsoft.us"),
        ("chinaeast2", "speech.azure.cn", "api.cognitive.azure.cn"),
    ],
)
def test_a_region_has_its_hosts(region: str, speech: str, api: str) -> None:
    at, name = account(region), region.replace(" ", "").lower()
    assert at.stt_url("/speech/x", [("a", "b c")]) == f"https://{name}.stt.{speech}/speech/x?a=b+c"
    assert (
        at.tts_url("/cognitiveservices/v1") == f"https://{name}.tts.{speech}/cognitiveservices/v1"
    )
    assert at.api_url("/speechtotext/x") == f"https://{name}.{api}/speechtotext/x"


def test_a_resource_may_have_a_domain_of_its_own() -> None:
    at = account(base_url="http://127.0.0.1:9/")
    assert at.stt_url("/speech/x") == "http://127.0.0.1:9/stt/speech/x"
    assert at.tts_url("/x") == "http://127.0.0.1:9/tts/x"
    assert at.api_url("/speechtotext/x") == "http://127.0.0.1:9/speechtotext/x"
    assert socket_url(at.stt_url("/x")) == "ws://127.0.0.1:9/stt/x"
    assert socket_url(account().stt_url("/x")).startswith("wss://westeurope.stt.")


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "The SSML is wrong", ApiError),
        (400, "Unsupported voice x.", UnsupportedError),
        (400, "Specified locale is not supported", UnsupportedLanguageError),
        (422, "The audio file is empty", InvalidAudioError),
        (401, "Access denied", AuthenticationError),
        (403, "Forbidden", AuthenticationError),
        (403, "Out of call volume quota", QuotaError),
        (404, "Resource not found", UnsupportedError),
        (408, "Timeout", DeadlineError),
        (429, "Too many requests", RateLimitError),
        (503, "The audio service is down", UnavailableError),
    ],
)
def test_a_status_is_an_error(status: int, text: str, kind: type[ProviderError]) -> None:
    error = failure("azure", status, text, "Code")
    assert type(error) is kind
    assert (error.provider, error.reason, error.code) == ("azure", text, "Code")


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b'{"error":{"code":"401","message":"No."}}', "401", "No."),
        (b'{"code":"Bad","message":"No.","innerError":{"code":"Worse"}}', "Worse", "No."),
        (b'{"Message":"No."}', None, "No."),
        (b'{"error":"No."}', None, "HTTP status 400"),
        (b"[]", None, "HTTP status 400"),
        (b"<html>", None, "HTTP status 400"),
    ],
)
def test_a_refusal_is_told_in_several_shapes(body: bytes, code: str | None, text: str) -> None:
    error = refusal("azure", 400, {}, body)
    assert (error.code, error.reason) == (code, text)


def test_a_refusal_without_a_word_says_where_to_look() -> None:
    error = refusal("azure-http", 400, {}, b"")
    assert isinstance(error, ApiError)
    assert "voice" in error.hint
    assert "SSML" in error.hint


def test_a_refusal_tells_no_more_than_is_needed() -> None:
    error = refusal("azure", 429, {"retry-after": "7"}, orjson.dumps({"message": "x" * 999}))
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == 7
    assert len(error.reason) == 200


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (1007, "Quota exceeded. Cid: ", RateLimitError),
        (1007, "Validation failed with status: TooManyRequests", RateLimitError),
        (1007, "Authentication failed.", AuthenticationError),
        (1013, "Too many concurrent requests", RateLimitError),
        (4429, "", RateLimitError),
        (1007, "The language is not supported", UnsupportedLanguageError),
        (1007, "Unsupported voice x.", UnsupportedError),
        (1007, "Invalid SSML", ApiError),
        (1007, "Something else", UnavailableError),
        (1002, "", UnavailableError),
        (1011, "", UnavailableError),
    ],
)
def test_a_close_frame_may_tell_of_an_error(
    code: int, reason: str, kind: type[ProviderError]
) -> None:
    error = closing("azure", Close(code, reason))
    assert type(error) is kind
    assert error.code == str(code)


def test_a_connection_may_just_end() -> None:
    assert closing("azure", Close(1000, "")) is None
    assert closing("azure", Close(None)) is None
