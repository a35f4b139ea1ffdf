"""PURE: whose an address is."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_within"]


def is_within(url: str, domain: str) -> bool:
    """Whether a URL's host is `domain`, or one of those below it."""
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith(f".{domain}")
