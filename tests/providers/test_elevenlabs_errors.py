from __future__ import annotations

import orjson
import pytest

from providers.codec import Close
from providers.elevenlabs_errors import closing, failure, refusal
from providers.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    ProviderError,
    QuotaError,
    RateLimitError,
    UnavailableError,
    UnsupportedError,
    UnsupportedLanguageError,
)

KINDS = {
    "auth_error": AuthenticationError,
    "invalid_api_key": AuthenticationError,
    "missing_permissions": AuthenticationError,
    "unaccepted_terms": AuthenticationError,
    "quota_exceeded": QuotaError,
    "rate_limited": RateLimitError,
    "too_many_concurrent_requests": RateLimitError,
    "system_busy": RateLimitError,
    "voice_not_found": UnsupportedError,
    "unsupported_language": UnsupportedLanguageError,
    "input_timeout_exceeded": DeadlineError,
    "error": UnavailableError,
    "transcriber_error": UnavailableError,
    "queue_overflow": UnavailableError,
    "resource_exhausted": UnavailableError,
    "session_time_limit_exceeded": UnavailableError,
    "insufficient_audio_activity": UnavailableError,
    "max_active_conversations": UnavailableError,
    "max_character_limit_exceeded": ApiError,
    "input_error": ApiError,
    "invalid_request": ApiError,
    "chunk_size_exceeded": ApiError,
    "what_is_new": ApiError,
}
STATUSES = {
    400: ApiError,
    401: AuthenticationError,
    402: QuotaError,
    403: AuthenticationError,
    404: UnsupportedError,
    408: DeadlineError,
    422: ApiError,
    429: RateLimitError,
    500: UnavailableError,
    503: UnavailableError,
}


@pytest.mark.parametrize(("kind", "expected"), KINDS.items())
def test_an_error_by_its_name(kind: str, expected: type[ProviderError]) -> None:
    error = failure("elevenlabs", kind, "so it is")
    assert type(error) is expected
    assert (error.reason, error.code, error.provider) == ("so it is", kind, "elevenlabs")
    assert error.retryable is expected.default_retryable


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_a_status_without_a_body(status: int, expected: type[ProviderError]) -> None:
    error = refusal("elevenlabs-http", status, {}, b"")
    assert type(error) is expected
    assert (error.reason, error.code) == (f"HTTP status {status}", None)


def test_a_quota_that_is_used_up_is_no_wrong_key() -> None:
    body = {"detail": {"status": "quota_exceeded", "message": "0 credits remaining"}}
    error = refusal("elevenlabs", 401, {}, orjson.dumps(body))
    assert isinstance(error, QuotaError)
    assert not error.retryable
    assert str(error).startswith("elevenlabs: 0 credits remaining (quota_exceeded); see")


def test_the_advised_wait_is_kept() -> None:
    body = {"detail": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "no"}}
    error = refusal("elevenlabs", 429, {"retry-after": "7"}, orjson.dumps(body))
    assert isinstance(error, RateLimitError)
    assert error.retry_after_s == 7
    soon = refusal("elevenlabs", 429, {"retry-after": "soon"}, b"{}")
    assert isinstance(soon, RateLimitError)
    assert soon.retry_after_s is None


def test_the_parameter_tells_what_is_not_on_offer() -> None:
    for param, expected in (
        ("language_code", UnsupportedLanguageError),
        ("model_id", UnsupportedError),
    ):
        body = {"detail": {"code": "invalid_parameters", "message": "no", "param": param}}
        assert type(refusal("elevenlabs", 400, {}, orjson.dumps(body))) is expected


def test_a_list_of_faults_names_the_field_and_not_what_it_held() -> None:
    fault = {"loc": ["body", "text"], "msg": "too long", "input": "my secret"}
    error = refusal("elevenlabs", 422, {}, orjson.dumps({"detail": [fault]}))
    assert type(error) is ApiError
    assert "secret" not in str(error)
    nowhere = refusal("elevenlabs", 422, {}, b'{"detail":[{"msg":"odd"}]}')
    assert nowhere.reason == "odd"
    assert refusal("elevenlabs", 422, {}, b'{"detail":[{"loc":7,"msg":"odd"}]}').reason == "odd"


def test_a_text_that_is_too_long_is_no_wrong_key() -> None:
    body = b'{"detail":{"status":"max_character_limit_exceeded","message":"too long"}}'
    assert type(refusal("elevenlabs", 401, {}, body)) is ApiError


def test_too_many_contexts_are_told_in_words_too() -> None:
    text = "Maximum simultaneous contexts per WebSocket connection exceeded (5)."
    assert type(failure("elevenlabs", "invalid_parameters", text)) is UnavailableError


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "HTTP status 400"),
        (b"[]", "HTTP status 400"),
        (b'{"detail":"Not here"}', "Not here"),
        (b'{"detail":[]}', "HTTP status 400"),
        (b'{"detail":["odd"]}', "HTTP status 400"),
        (b'{"detail":{"status":7,"message":"odd"}}', "odd"),
        (b'{"detail":null}', "HTTP status 400"),
    ],
)
def test_other_bodies(body: bytes, reason: str) -> None:
    assert refusal("elevenlabs", 400, {}, body).reason == reason


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("This request exceeds your quota of 10000.", QuotaError),
        ("You have 0 credits remaining.", QuotaError),
        ("Invalid API key", AuthenticationError),
        ("Maximum simultaneous contexts per WebSocket connection exceeded (5).", UnavailableError),
    ],
)
def test_a_close_frame_may_be_all_that_is_said(reason: str, kind: type[ProviderError]) -> None:
    error = closing("elevenlabs", Close(1008, reason))
    assert type(error) is kind
    assert error.reason == reason
    assert error.retryable is (kind is UnavailableError)
    for close in (Close(1000, reason), Close(1008), Close(None)):
        assert closing("elevenlabs", close) is None


def test_a_long_text_is_cut() -> None:
    assert len(failure("elevenlabs", "error", "x" * 1000).reason) == 200
