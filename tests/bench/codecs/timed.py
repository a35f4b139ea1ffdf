"""Counts the time that is spent in an object and in what it makes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

__all__ = ["Stopwatch", "Timed"]

MADE = ("codec", "reader")
"""What a vendor makes for one connection, or one answer: its time counts, too."""


class Stopwatch:
    """A sum of times."""

    ns = 0

    def time(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Call it, and add how long that takes."""
        began_ns = perf_counter_ns()
        try:
            return function(*args, **named)
        finally:
            self.ns += perf_counter_ns() - began_ns


class Timed:
    """Stands in the place of an object; whatever is called on it counts.

    Args:
        timed: the object.
        stopwatch: what adds it up.
    """

    def __init__(self, timed: Any, stopwatch: Stopwatch) -> None:
        self._timed = timed
        self._stopwatch = stopwatch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._timed, name)
        if not callable(found):
            return found
        return functools.partial(self._call, name, found)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._stopwatch.time(self._timed, *args, **named)

    def _call(self, name: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        made = self._stopwatch.time(function, *args, **named)
        return Timed(made, self._stopwatch) if name in MADE else made
