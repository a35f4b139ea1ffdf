"""How many sessions a worker takes: those that go on, and those that are about to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .faults import Fault
from .held import Held
from .partings import AGAIN_S, draining

__all__ = ["Room"]


class Room:
    """The places of one worker.

    Args:
        most: how many there are.
        begun: how many sessions go on.

    Attributes:
        closed: whether no session is begun any more: the worker ends.
    """

    def __init__(self, most: int, begun: Callable[[], int]) -> None:
        self.closed = False
        self._most = most
        self._begun = begun
        self._opening = self._expected = 0

    @property
    def taken(self) -> int:
        """How many sessions go on, or are about to."""
        return self._begun() + self._opening

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Keep a place for a session of which is not known yet what it is to be.

        Raises:
            Fault: there is none.
        """
        self._check()
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1

    @contextmanager
    def take(self, instead: Held | None = None) -> Iterator[None]:
        """Take a place for a session that is about to be, perhaps instead of one that goes on.

        Raises:
            Fault: there is none.
        """
        self._check(instead)
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    def _check(self, instead: Held | None = None) -> None:
        if self.closed:
            raise draining()
        given_up = instead is not None and instead.live
        if self.taken + self._expected - given_up >= self._most:
            raise Fault(
                "too_many_sessions",
                f"this worker has as many sessions as it takes, {self._most}: try again soon",
                retry_after_s=AGAIN_S,
            )
