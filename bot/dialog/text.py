"""PURE: text from elsewhere, as it can be written, sent and spoken."""

from __future__ import annotations

__all__ = ["whole_characters"]


def whole_characters(text: str) -> str:
    """The text without halves of characters: nothing takes them.

    JSON that is cut in pieces has them, and Python's names of files that are not UTF-8.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
