"""Addresses."""

from __future__ import annotations

import pytest

from bot.phone.target import AddressError, Target, split_address


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://bot.example.com", "http://bot.example.com:80"),
        ("https://bot.example.com/", "https://bot.example.com:443"),
        ("https://127.0.0.1:8443/a/b/", "https://127.0.0.1:8443/a/b"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_where_a_worker_is(address: str, url: str) -> None:
    target = Target.at(address)
    assert target.http_url == url
    assert target.authority in url


@pytest.mark.parametrize("url", ["bot.example.com", "ftp://bot", "http://", "http://bot:0"])
def test_what_is_no_address(url: str) -> None:
    for read in (split_address, Target.at):
        with pytest.raises(AddressError, match="write it as"):
            read(url)
