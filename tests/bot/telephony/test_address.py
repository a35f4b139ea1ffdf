"""URLs come from the public address, whatever it looks like."""

from __future__ import annotations

import pytest

from bot.telephony.address import NEXT_PATH, Address


@pytest.mark.parametrize(
    ("public_url", "next_url", "media_url"),
    [
        ("https://h", "https://h/twilio/next", "wss://h/twilio/media"),
        ("https://h/", "https://h/twilio/next", "wss://h/twilio/media"),
        ("https://h:8443/bot/", "https://h:8443/bot/twilio/next", "wss://h:8443/bot/twilio/media"),
        (
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000/twilio/next",
            "ws://127.0.0.1:8000/twilio/media",
        ),
    ],
)
def test_urls_are_built_under_the_public_address(
    public_url: str, next_url: str, media_url: str
) -> None:
    address = Address(public_url)
    assert address.url(NEXT_PATH) == next_url
    assert address.url(NEXT_PATH, "attempt=1") == next_url + "?attempt=1"
    assert address.media == media_url
