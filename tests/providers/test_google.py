from __future__ import annotations

import pytest

from providers.errors import (
    ApiError,
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
from providers.google import GoogleAccount, failure

KEY = "the-secret-key"


def test_a_key_or_the_file_of_an_account_is_needed() -> None:
    with pytest.raises(MissingKeyError) as raised:
        GoogleAccount()
    assert "GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS" in raised.value.hint
    assert GoogleAccount(application_credentials="account.json").api_key == ""


def test_a_key_is_never_shown() -> None:
    assert KEY not in repr(GoogleAccount(api_key=KEY))


def test_where_a_service_is() -> None:
    account = GoogleAccount(api_key=KEY)
    assert account.host("speech") == "speech.googleapis.com:443"
    assert account.host("speech", "europe-west4") == "europe-west4-speech.googleapis.com:443"
    assert not account.is_plain


@pytest.mark.parametrize(
    ("base_url", "host", "is_plain"),
    [
        ("http://127.0.0.1:8286", "127.0.0.1:8286", True),
        ("https://speech.example.com", "speech.example.com:443", False),
        ("https://[::1]:8443", "[::1]:8443", False),
    ],
)
def test_another_address(base_url: str, host: str, is_plain: bool) -> None:
    account = GoogleAccount(api_key=KEY, base_url=base_url, location="us")
    assert (account.host("speech", "us"), account.is_plain) == (host, is_plain)


@pytest.mark.parametrize(
    ("status", "details", "reason", "kind", "retryable"),
    [
        ("UNAUTHENTICATED", "no token", "", AuthenticationError, False),
        ("PERMISSION_DENIED", "API disabled", "SERVICE_DISABLED", AuthenticationError, False),
        ("PERMISSION_DENIED", "not paid", "BILLING_DISABLED", QuotaError, False),
        ("RESOURCE_EXHAUSTED", "all used", "RESOURCE_QUOTA_EXCEEDED", QuotaError, False),
        ("RESOURCE_EXHAUSTED", "too many", "RATE_LIMIT_EXCEEDED", RateLimitError, True),
        ("DEADLINE_EXCEEDED", "late", "", DeadlineError, True),
        ("INVALID_ARGUMENT", "pass a valid one", "API_KEY_INVALID", AuthenticationError, False),
        ("INVALID_ARGUMENT", "API key not valid", "", AuthenticationError, False),
        ("INVALID_ARGUMENT", "The language is", "", UnsupportedLanguageError, False),
        ("INVALID_ARGUMENT", 'The model "x" does not', "", UnsupportedError, False),
        ("INVALID_ARGUMENT", "bad encoding", "", ApiError, False),
        ("NOT_FOUND", "no recognizer", "", UnsupportedError, False),
        ("OUT_OF_RANGE", "305 seconds", "", UnavailableError, True),
        ("ABORTED", "no more requests", "", UnavailableError, True),
        ("UNAVAILABLE", "", "", UnavailableError, True),
        ("INTERNAL", "oh", "", UnavailableError, True),
    ],
)
def test_what_a_status_means(
    status: str, details: str, reason: str, kind: type[ProviderError], retryable: bool
) -> None:
    error = failure("google", status, details, reason=reason)
    assert type(error) is kind
    assert error.retryable is retryable
    assert error.code == (reason or status)
    assert error.reason == (details or "it cannot go on")


def test_how_long_to_wait_is_told() -> None:
    error = failure("google", "RESOURCE_EXHAUSTED", "too many", retry_after_s=3.5)
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == 3.5


def test_voices_may_be_elsewhere() -> None:
    assert GoogleAccount(api_key=KEY, location="us").voices_location == "us"
    assert GoogleAccount(api_key=KEY, tts_location="eu").voices_location == "eu"


def test_what_is_said_of_a_sentence_is_not_shown() -> None:
    details = (
        'Sentences are too long. To fix, split them. Sentence starting with: "My pin" is long.'
    )
    text = str(failure("google", "INVALID_ARGUMENT", details))
    assert "split them." in text
    assert "pin" not in text
