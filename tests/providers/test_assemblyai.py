from __future__ import annotations

import pytest

from providers.assemblyai import AssemblyAiAccount, closing, failure, refusal
from providers.codec import BROKEN, Close, Failed
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

ACCOUNT = AssemblyAiAccount(api_key="the-key")


def test_an_account_needs_a_key_and_does_not_show_it() -> None:
    with pytest.raises(MissingKeyError, match="ASSEMBLYAI_API_KEY"):
        AssemblyAiAccount()
    assert "the-key" not in repr(ACCOUNT)
    # As it is: no `Bearer` before it.
    assert ACCOUNT.headers == {"Authorization": "the-key"}


def test_an_address() -> None:
    query = [("keyterms_prompt", '["a b"]')]
    address = "streaming.assemblyai.com/v3/ws?keyterms_prompt=%5B%22a+b%22%5D"
    assert ACCOUNT.socket_url(query) == f"wss://{address}"
    own = AssemblyAiAccount(api_key="k", base_url="http://127.0.0.1:9/aai/")
    assert own.socket_url([]) == "ws://127.0.0.1:9/aai/v3/ws?"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (1008, "Unauthorized Connection: Invalid API key", AuthenticationError),
        (401, "Unauthorized", AuthenticationError),
        (1008, "Unauthorized Connection: Too many concurrent sessions", RateLimitError),
        (3009, "", RateLimitError),
        (4002, "", QuotaError),
        (1008, "Insufficient account balance", QuotaError),
        (3006, "Invalid JSON", ApiError),
        (3007, "Input duration violation: 20 ms. Expected between 50 and 1000 ms", ApiError),
        (3007, "Audio Transmission Rate Exceeded: Received 9 sec. audio", UnavailableError),
        (3005, "Session Cancelled: An error occurred", UnavailableError),
        (3008, "Session Expired: Maximum session duration exceeded", UnavailableError),
        (504, "", DeadlineError),
    ],
)
def test_what_goes_wrong(code: int, text: str, kind: type[ProviderError]) -> None:
    error = failure(code, text)
    assert type(error) is kind
    assert (error.provider, error.code) == ("assemblyai", str(code))
    assert text[:200] in str(error)
    assert str(code) in str(error)


def test_how_a_session_ends() -> None:
    (failed,) = closing(Close(3008, "Session Expired"))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UnavailableError)
    for close in (Close(1000, "bye"), Close(None), Close(BROKEN), Close(3005)):
        assert closing(close) == []


def test_how_a_connection_is_refused() -> None:
    error = refusal(429, {"retry-after": "7"}, b'{"error":"Too many sessions"}')
    assert isinstance(error, RateLimitError)
    assert (error.retry_after_s, "Too many sessions" in str(error)) == (7.0, True)
    for body in (b"<html>", b"[]", b"{}", b'{"error":[]}'):
        assert "HTTP status 503" in str(refusal(503, {}, body))
