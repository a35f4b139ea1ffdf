"""PURE: languages by their BCP-47 tags."""

from __future__ import annotations

__all__ = ["general"]


def general(tag: str) -> str:
    """The language of a tag, in lower case, without script and region: `pt` of `pt_BR`."""
    return tag.replace("_", "-").lower().partition("-")[0]
