from __future__ import annotations

from providers.codec import Failed, Request
from providers.errors import QuotaError


def test_a_request_never_shows_its_headers() -> None:
    request = Request("wss://vendor.example/", {"Authorization": "Bearer the-secret-key"})
    assert request.headers["Authorization"].endswith("the-secret-key")
    assert repr(request) == "Request(url='wss://vendor.example/')"
    assert Request("wss://vendor.example/").headers == {}


def test_a_failure_is_its_error() -> None:
    error = QuotaError("vendor", "no money")
    assert Failed(error) == Failed(error)
