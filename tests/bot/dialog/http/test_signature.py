from __future__ import annotations

import hashlib
import hmac

import pytest

from bot.dialog.http.signature import sign


def test_a_body_is_signed_with_its_time() -> None:
    body = '{"text": "grüß Gott"}'.encode()
    right = hmac.new("gehëim".encode(), b"1700000000." + body, hashlib.sha256).hexdigest()
    assert sign("gehëim", 1_700_000_000, body) == {
        "parley-timestamp": "1700000000",
        "parley-signature": f"v1={right}",
    }


@pytest.mark.parametrize(
    ("secret", "at_s", "body"), [("s2", 1, b"b"), ("s", 2, b"b"), ("s", 1, b"c"), ("s", 11, b".b")]
)
def test_another_secret_time_or_body_has_another_signature(
    secret: str, at_s: int, body: bytes
) -> None:
    name = "parley-signature"
    assert sign(secret, at_s, body)[name] != sign("s", 1, b"b")[name]
