from __future__ import annotations

import pytest

from providers.http_request import HttpRequest, Upload, advised_wait_s


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 20:00:00 GMT"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan", "retry-after": "2"}, 2.0),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
    ],
)
def test_a_refusal_may_say_how_long_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert advised_wait_s(headers) == wait_s


def test_what_may_be_secret_is_not_shown() -> None:
    request = HttpRequest(
        url="https://vendor.example/",
        headers={"authorization": "hush"},
        body=b"hush",
        fields=[("prompt", "hush")],
        upload=Upload("file", "audio.wav", "audio/wav", b"hush"),
    )
    assert "hush" not in repr(request)
