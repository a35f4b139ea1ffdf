from __future__ import annotations

from typing import Any

import pytest

from providers.cartesia import CartesiaAccount, failure, refusal
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
)

ACCOUNT = CartesiaAccount(api_key="the-key")


def test_an_account_needs_a_key_and_does_not_show_it() -> None:
    with pytest.raises(MissingKeyError, match="CARTESIA_API_KEY"):
        CartesiaAccount()
    assert "the-key" not in repr(ACCOUNT)
    assert ACCOUNT.headers == {
        "Authorization": "Bearer the-key",
        "cartesia-version": "2026-08-14",
    }


def test_sockets_and_requests_have_one_address() -> None:
    assert ACCOUNT.url("/voices") == "https://api.cartesia.ai/voices"
    assert ACCOUNT.socket_url("/tts/websocket") == "wss://api.cartesia.ai/tts/websocket"
    own = CartesiaAccount(api_key="k", base_url="http://127.0.0.1:9/c/")
    query = [("keyterm", "a b"), ("keyterm", "c")]
    assert own.socket_url("/stt", query) == "ws://127.0.0.1:9/c/stt?keyterm=a+b&keyterm=c"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"status_code": 401, "title": "Unauthorized"}, AuthenticationError),
        ({"status_code": 403}, AuthenticationError),
        ({"status_code": 402}, QuotaError),
        ({"status_code": 400, "error_code": "quota_exceeded"}, QuotaError),
        ({"status_code": 429}, RateLimitError),
        ({"status_code": 408}, DeadlineError),
        ({"status_code": 504}, DeadlineError),
        ({"status_code": 503}, UnavailableError),
        ({"status_code": 400, "error_code": "model_not_found"}, UnsupportedError),
        ({"status_code": 400, "error_code": "voice_not_found"}, UnsupportedError),
        ({"status_code": 404}, UnsupportedError),
        ({"status_code": 400, "error_code": "invalid_request"}, ApiError),
        ({"status_code": "odd"}, UnavailableError),
        ({}, UnavailableError),
    ],
)
def test_what_goes_wrong(told: dict[str, Any], kind: type[ProviderError]) -> None:
    error = failure("cartesia-turns", {"message": "it is so", **told})
    assert type(error) is kind
    assert (error.provider, "it is so" in str(error)) == ("cartesia-turns", True)


def test_how_a_connection_is_refused() -> None:
    error = refusal("cartesia", 429, {"retry-after": "3"}, b'{"message":"Too many"}')
    assert isinstance(error, RateLimitError)
    assert (error.retry_after_s, "Too many" in str(error)) == (3.0, True)
    assert "Down" in str(refusal("cartesia", 503, {}, b'{"title":"Down"}'))
    for body in (b"<html>", b"[]"):
        assert "HTTP status 503" in str(refusal("cartesia", 503, {}, body))
