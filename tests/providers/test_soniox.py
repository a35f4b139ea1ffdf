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
)
from providers.soniox import LANGUAGES, SonioxAccount, failure, language_code, refusal


def test_an_account_needs_a_key_and_hides_it() -> None:
    with pytest.raises(MissingKeyError, match="SONIOX_API_KEY"):
        SonioxAccount()
    account = SonioxAccount(api_key="the-secret-key")
    assert account.headers == {"Authorization": "Bearer the-secret-key"}
    assert "the-secret-key" not in repr(account)


@pytest.mark.parametrize(
    ("region", "host"), [("us", "stt-rt.soniox.com"), ("eu", "stt-rt.eu.soniox.com")]
)
def test_a_region_has_its_own_addresses(region: str, host: str) -> None:
    account = SonioxAccount(api_key="k", region=region)
    assert account.address("stt-rt", "path") == f"wss://{host}/path"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en"), ("de", "de"), ("nb-NO", "no"), ("fil", "tl"), ("pt_BR", "pt"), ("EN", "en")],
)
def test_languages_have_two_letters(tag: str, code: str) -> None:
    assert language_code(tag) == code
    assert code in LANGUAGES


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        (400, ApiError, False),
        (401, AuthenticationError, False),
        (402, QuotaError, False),
        (403, AuthenticationError, False),
        (404, ApiError, False),
        (408, DeadlineError, True),
        (413, UnavailableError, True),
        (429, RateLimitError, True),
        (500, UnavailableError, True),
        (503, UnavailableError, True),
        ("what", ApiError, False),
        ([7], ApiError, False),
        (None, ApiError, False),
    ],
)
def test_each_error_says_whose_fault_it_is(
    code: object, kind: type[ProviderError], retryable: bool
) -> None:
    message = {"error_code": code, "error_type": "its_word", "error_message": "x" * 1_000}
    error = failure(message)
    assert (type(error), error.retryable, error.code) == (kind, retryable, "its_word")
    assert len(error.reason) == 200
    assert failure({"error_code": code, "error_message": "no"}).code == str(code)
    assert isinstance(failure({"error_code": code}), kind)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (401, "soniox: the key was refused (401); check SONIOX_API_KEY and SONIOX_REGION"),
        (403, "soniox: the key may not do this (403); check SONIOX_API_KEY and SONIOX_REGION"),
        (404, "soniox: HTTP status 404"),
        (503, "soniox: HTTP status 503"),
    ],
)
def test_a_status_without_words_is_said_once(code: int, text: str) -> None:
    assert str(failure({"error_code": code})).startswith(text)
    assert str(failure({"error_code": code})).count(str(code)) == 1


def test_a_refusal_says_how_long_to_wait() -> None:
    error = refusal(429, {"retry-after": "7"})
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == 7
    assert isinstance(refusal(503, {"retry-after": "7"}), UnavailableError)
