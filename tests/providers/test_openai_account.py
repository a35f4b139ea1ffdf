from __future__ import annotations

from typing import Any

import orjson
import pytest

from providers.errors import (
    ApiError,
    AudioTooLargeError,
    AuthenticationError,
    DeadlineError,
    MissingKeyError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)
from providers.openai_account import (
    LANGUAGES,
    OpenAiAccount,
    failure,
    is_own,
    language_code,
    refusal,
)

NAME = "openai"


def test_an_account_shows_its_key_to_openai_alone() -> None:
    account = OpenAiAccount(api_key="the-secret-key", tts_api_key="another-secret-key")
    assert account.headers == {"Authorization": "Bearer the-secret-key"}
    assert account.speech == ("https://api.openai.com/v1", account.headers)
    assert "secret" not in repr(account)
    paying = OpenAiAccount(api_key="k", org_id="org-1", project_id="proj_1")
    assert paying.headers == {
        "Authorization": "Bearer k",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj_1",
    }
    local = OpenAiAccount(api_key="k", tts_base_url="http://127.0.0.1:8880/v1")
    assert local.speech == ("http://127.0.0.1:8880/v1", {})
    hosted = OpenAiAccount(api_key="k", tts_base_url="https://tts.example/v1", tts_api_key="t")
    assert hosted.speech == ("https://tts.example/v1", {"Authorization": "Bearer t"})


def test_only_openai_needs_a_key() -> None:
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        OpenAiAccount().check_key(NAME)
    OpenAiAccount(api_key="k").check_key(NAME)
    OpenAiAccount(base_url="http://127.0.0.1:8000/v1").check_key(NAME)


@pytest.mark.parametrize(
    ("base_url", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://openai.com.example/v1", False),
        ("https://myopenai.com/v1", False),
        ("http://127.0.0.1:1/v1", False),
        ("nothing", False),
    ],
)
def test_an_address_is_openai_s_own_or_not(base_url: str, own: bool) -> None:
    assert is_own(base_url) == own


def test_sessions_have_an_address_beside_the_others() -> None:
    assert OpenAiAccount().socket("a=1") == "wss://api.openai.com/v1/realtime?a=1"
    local = OpenAiAccount(base_url="http://127.0.0.1:9/v1")
    assert local.socket("b") == "ws://127.0.0.1:9/v1/realtime?b"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en"), ("de", "de"), ("nb-NO", "no"), ("fil", "tl"), ("pt_BR", "pt"), ("EN", "en")],
)
def test_languages_have_two_letters(tag: str, code: str) -> None:
    assert language_code(tag) == code
    assert code in LANGUAGES


@pytest.mark.parametrize(
    ("status", "error", "kind", "retryable"),
    [
        (400, {"type": "invalid_request_error"}, ApiError, False),
        (400, {"param": "language"}, UnsupportedLanguageError, False),
        (400, {"code": "unsupported_language"}, UnsupportedLanguageError, False),
        (
            400,
            {"param": "session.audio.input.transcription.languages"},
            UnsupportedLanguageError,
            0,
        ),
        (400, {"param": "model"}, UnsupportedError, False),
        (404, {"code": "model_not_found"}, UnsupportedError, False),
        (400, {"param": "voice"}, UnsupportedError, False),
        (401, {"code": "invalid_api_key"}, AuthenticationError, False),
        (0, {"code": "invalid_api_key"}, AuthenticationError, False),
        (402, {}, QuotaError, False),
        (403, {}, AuthenticationError, False),
        (404, {}, ApiError, False),
        (408, {}, DeadlineError, True),
        (409, {}, UnavailableError, True),
        (413, {}, AudioTooLargeError, False),
        (429, {}, RateLimitError, True),
        (429, {"code": "rate_limit_exceeded"}, RateLimitError, True),
        (429, {"type": "insufficient_quota"}, QuotaError, False),
        (429, {"code": "credit_balance_exhausted"}, QuotaError, False),
        (500, {"type": "server_error"}, UnavailableError, True),
        (503, {}, UnavailableError, True),
        (0, {"type": "server_error"}, UnavailableError, True),
        (0, {"code": "session_expired"}, UnavailableError, True),
        (0, {}, ApiError, False),
    ],
)
def test_each_error_says_whose_fault_it_is(
    status: int, error: dict[str, Any], kind: type[ProviderError], retryable: bool
) -> None:
    found = failure(NAME, {"message": "x" * 1_000, **error}, status=status)
    assert (type(found), found.retryable) == (kind, bool(retryable))
    assert len(found.reason) <= 200
    told = error.get("code") or error.get("type") or (str(status) if status else None)
    assert found.code == told
    if status:
        body = orjson.dumps({"error": {"message": "no", **error}})
        assert isinstance(refusal(NAME, status, {}, body), kind)


def test_an_answer_without_words_is_said_by_its_status() -> None:
    assert str(refusal(NAME, 503, {}, b"<html>")).startswith("openai: HTTP status 503")
    assert str(refusal(NAME, 500, {}, b'{"error":"down"}')).startswith("openai: HTTP status 500")
    assert failure(NAME, {}).reason == "it failed"
    assert "OPENAI_BASE_URL" in str(refusal(NAME, 404, {}, b'{"detail":"Not Found"}'))


def test_a_refused_key_is_not_repeated() -> None:
    error = {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}
    found = refusal(NAME, 401, {}, orjson.dumps({"error": error}))
    assert "secret" not in f"{found} {found!r}"
    assert "OPENAI_API_KEY" in str(found)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Sat, 21 Nov 2026 20:00:00 GMT"}, None),
        ({"retry-after": "-1"}, 0.0),
        ({}, None),
    ],
)
def test_how_long_to_wait_stands_in_the_headers(
    headers: dict[str, str], wait_s: float | None
) -> None:
    found = refusal(NAME, 429, headers, b"")
    assert isinstance(found, RateLimitError)
    assert found.retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "said", "retryable"), [(429, "false", False), (400, "true", True)]
)
def test_whether_to_ask_again_stands_in_the_headers(
    status: int, said: str, retryable: bool
) -> None:
    assert refusal(NAME, status, {"x-should-retry": said}, b"").retryable == retryable
    assert refusal(NAME, status, {"x-should-retry": "?"}, b"").retryable != retryable
