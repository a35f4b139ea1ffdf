from __future__ import annotations

import orjson
import pytest

from providers.codec import Close, Failed
from providers.deepgram import DeepgramAccount, ended, failure, told
from providers.errors import (
    ApiError,
    AudioTooLargeError,
    AuthenticationError,
    DeadlineError,
    InvalidAudioError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
)

ACCOUNT = DeepgramAccount(api_key="the-key")


def test_an_account_needs_a_key_and_does_not_show_it() -> None:
    with pytest.raises(MissingKeyError, match="DEEPGRAM_API_KEY"):
        DeepgramAccount()
    assert "the-key" not in repr(ACCOUNT)
    assert ACCOUNT.headers == {"Authorization": "Token the-key"}


def test_sockets_and_requests_have_one_address() -> None:
    query = [("keyterm", "a b"), ("keyterm", "c&d")]
    assert ACCOUNT.http_url("/v1/models") == "https://api.deepgram.com/v1/models"
    assert ACCOUNT.socket_url("/v1/listen", query) == (
        "wss://api.deepgram.com/v1/listen?keyterm=a+b&keyterm=c%26d"
    )
    own = DeepgramAccount(api_key="k", base_url="http://127.0.0.1:9/dg")
    assert own.socket_url("/v2/listen") == "ws://127.0.0.1:9/dg/v2/listen"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, "Invalid credentials.", AuthenticationError),
        (403, "Insufficient permissions.", AuthenticationError),
        (402, "Project does not have enough credits.", QuotaError),
        (429, "Too many requests.", RateLimitError),
        (400, "Unknown query parameter.", ApiError),
        (400, "No such model/language/tier combination found.", UnsupportedError),
        (
            400,
            "Bad Request: failed to process audio: corrupt or unsupported data",
            InvalidAudioError,
        ),
        (404, "Not Found", ApiError),
        (408, "Timeout", DeadlineError),
        (504, "Timeout", DeadlineError),
        (413, "Payload Too Large", AudioTooLargeError),
        (503, "Service Unavailable", UnavailableError),
    ],
)
def test_what_an_answer_means(status: int, text: str, kind: type[ProviderError]) -> None:
    body = orjson.dumps({"err_code": "CODE", "err_msg": text, "request_id": "r"})
    error = failure("deepgram-flux", status, {}, body)
    assert (type(error), error.provider, error.reason) == (kind, "deepgram-flux", text)
    assert error.code == "CODE"
    assert error.retryable is (status in (429, 408, 504, 503))


def test_where_an_answer_tells_why() -> None:
    modern = {"category": "INVALID_JSON", "message": "Invalid JSON submitted.", "details": "line 7"}
    error = failure("deepgram", 400, {}, orjson.dumps(modern))
    assert (error.code, error.reason) == ("INVALID_JSON", "line 7")
    for body in (b"", b"<html>", b"[]"):
        assert failure("deepgram", 400, {"dg-error": "odd"}, body).reason == "odd"
        assert failure("deepgram", 502, {}, body).reason == "HTTP status 502"


@pytest.mark.parametrize(("header", "wait_s"), [("7", 7.0), ("soon", None), (None, None)])
def test_how_long_to_wait(header: str | None, wait_s: float | None) -> None:
    error = failure("deepgram", 429, {} if header is None else {"retry-after": header}, b"")
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("message", "kind", "reason"),
    [
        ({"variant": "DATA-0000", "description": "not decodable"}, ApiError, "not decodable"),
        ({"code": "UNPARSABLE_CLIENT_MESSAGE", "description": "no"}, ApiError, "no"),
        ({"code": "INTERNAL_SERVER_ERROR", "message": "oh"}, UnavailableError, "oh"),
        ({"variant": "INVALID_AUTH", "message": "no"}, AuthenticationError, "no"),
        ({"variant": "ASR_PAYMENT_REQUIRED", "message": "no"}, QuotaError, "no"),
        ({"variant": "TOO_MANY_REQUESTS", "message": "no"}, RateLimitError, "no"),
        ({}, UnavailableError, "it cannot go on"),
    ],
)
def test_what_a_message_tells(
    message: dict[str, str], kind: type[ProviderError], reason: str
) -> None:
    error = told("deepgram", message)
    assert (type(error), error.reason) == (kind, reason)


def test_what_a_goodbye_means() -> None:
    (failed,) = ended("deepgram", Close(1008, "DATA-0000"))
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.error.reason) == (ApiError, "DATA-0000")
    (failed,) = ended("deepgram", Close(1011, "NET-0001"))
    assert (type(failed.error), failed.error.reason) == (UnavailableError, "NET-0001")
    assert ended("deepgram", Close(1011))[0].error.reason == "it gave up"
    assert ended("deepgram", Close(1003))[0].error.reason == "it refuses what it was sent"
    assert ended("deepgram", Close(1000)) == ended("deepgram", Close(None)) == []


def test_an_address_may_end_with_a_slash() -> None:
    account = DeepgramAccount(api_key="k", base_url="http://127.0.0.1:9/")
    assert account.socket_url("/v1/listen") == "ws://127.0.0.1:9/v1/listen"
