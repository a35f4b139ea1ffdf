"""PURE: words of which only the whole has times."""

from __future__ import annotations

from .heard import Token

__all__ = ["shares", "spread"]


def shares(count: int, from_ms: float, to_ms: float) -> list[tuple[int, int]]:
    """When each of so many words begins and ends, if all are equally long."""
    each_ms = (to_ms - from_ms) / max(1, count)
    return [
        (round(from_ms + n * each_ms), round(from_ms + (n + 1) * each_ms)) for n in range(count)
    ]


def spread(text: str, from_ms: float, to_ms: float) -> tuple[Token, ...]:
    """The words of a text, which share its time."""
    words = text.split()
    times = shares(len(words), from_ms, to_ms)
    return tuple(Token(f" {word}", *time) for word, time in zip(words, times, strict=True))
