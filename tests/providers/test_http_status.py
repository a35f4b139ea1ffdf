from __future__ import annotations

import pytest

from providers.errors import (
    ApiError,
    AudioTooLargeError,
    AuthenticationError,
    DeadlineError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from providers.http_status import Hints, by_status

HINTS = Hints(key="check it", quota="pay", limit="ask for more")


@pytest.mark.parametrize(
    ("status", "kind", "hint", "retryable"),
    [
        (301, ApiError, None, False),
        (400, ApiError, None, False),
        (401, AuthenticationError, "check it", False),
        (402, QuotaError, "pay", False),
        (403, AuthenticationError, "check it", False),
        (408, DeadlineError, None, True),
        (413, AudioTooLargeError, "split it where nobody speaks", False),
        (429, RateLimitError, "ask for more", True),
        (500, UnavailableError, None, True),
        (504, DeadlineError, None, True),
        (529, UnavailableError, None, True),
    ],
)
def test_each_status_says_whose_fault_it_is(
    status: int, kind: type[ProviderError], hint: str | None, retryable: bool
) -> None:
    error = by_status("acme", status, "no", HINTS, code="its_word", retry_after_s=3)
    assert type(error) is kind
    assert (error.provider, error.reason, error.code) == ("acme", "no", "its_word")
    assert error.hint == (kind.default_hint if hint is None else hint)
    assert error.retryable is retryable
    assert not isinstance(error, RateLimitError) or error.retry_after_s == 3
