"""PURE: which of Scribe's answers belongs to which commit.

A commit is answered twice, with its text and with its words and times; mostly in this order, and
mostly before the next one's. But times may come late or not at all, and the vendor commits by
itself as well; so a text belongs to the first commit without one, and times to the commit whose
text and place they fit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .heard import Token

__all__ = ["Commit", "Commits", "Reason"]

Reason = Literal["finalize", "pause", "closing", "vendor"]
MOST_DONE = 8
"""Of so many commits that are over something may come yet."""


@dataclass(slots=True)
class Commit:
    """A place up to which all is to become final.

    Attributes:
        reason: why; `vendor`: it has committed by itself.
        at_ms, vendor_ms: where it is in the stream, and as the vendor counts.
        text: what was understood, once that is known.
        words: the same, with times, or a guess of them.
        timed: whether its times have come.
    """

    reason: Reason
    at_ms: float
    vendor_ms: float
    text: str | None = None
    words: Sequence[Token] = ()
    timed: bool = False


class Commits:
    """Those of a connection, in their order."""

    def __init__(self) -> None:
        self._open: deque[Commit] = deque()
        self._done: deque[Commit] = deque(maxlen=MOST_DONE)
        self._texts_due: deque[str] = deque(maxlen=MOST_DONE)  # whose times have come first

    def __len__(self) -> int:
        return len(self._open)

    def add(self, commit: Commit) -> None:
        """One that is not answered."""
        self._open.append(commit)

    @property
    def has_text(self) -> bool:
        """Whether there is a text whose times have not come."""
        return bool(self._open) and self._open[0].text is not None

    @property
    def words(self) -> tuple[Token, ...]:
        """The words of those texts."""
        return tuple(word for commit in self._told for word in commit.words)

    @property
    def next(self) -> Commit | None:
        """The first of which nothing has come."""
        return next((commit for commit in self._open if commit.text is None), None)

    @property
    def _told(self) -> list[Commit]:
        return [commit for commit in self._open if commit.text is not None]

    def take_told(self) -> list[Commit]:
        """Those with a text, whose times are not waited for any more."""
        return self._take(len(self._told))

    def take_throttled(self) -> list[Commit]:
        """Those before the first without a text, and that one: there is nothing in it."""
        return [] if (commit := self.next) is None else self._take_to(commit)

    def wants(self, text: str) -> bool:
        """Whether a text that came alone is news, and not that of times that came before it."""
        if self._texts_due and self._texts_due[0] == text:
            self._texts_due.popleft()
            return False
        self._texts_due.clear()
        return True

    def take_timed(self, text: str, end_ms: float | None, own: Commit) -> list[Commit]:
        """Those that are over as a text has come with times: it is the last one's.

        Args:
            text: it.
            end_ms: the end of its last word, as the vendor counts; None when it has no words.
            own: what the vendor has committed if it is not an answer to what is open.

        Returns:
            None, if that commit was over before.
        """
        told = self._told
        commit = next((commit for commit in told if commit.text == text), None)
        if commit is None or end_ms is not None:
            for done in self._done:
                if _fits(done, text, end_ms):
                    done.timed = True
                    return []
        if commit is None and told and end_ms is not None and end_ms <= told[0].vendor_ms:
            commit = told[0]  # it is written in another way
        if commit is None:
            self._texts_due.append(text)
            commit = self.next
        if commit is None:
            commit = own
            self._open.append(own)
        commit.text, commit.timed = text, True
        return self._take_to(commit)

    def _take_to(self, commit: Commit) -> list[Commit]:
        return self._take(self._open.index(commit) + 1)

    def _take(self, number: int) -> list[Commit]:
        taken = [self._open.popleft() for _ in range(number)]
        self._done += taken
        return taken


def _fits(commit: Commit, text: str, end_ms: float | None) -> bool:
    """Whether times are those of a commit that is over."""
    if commit.text != text:
        return False
    return not commit.timed if end_ms is None else end_ms <= commit.vendor_ms
