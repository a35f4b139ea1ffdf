"""PURE: the stretches of speech of a transcription session: what was asked, what became of it.

OpenAI calls such a stretch an *item*. It gives no times of words: an item's own are counted here,
from the audio that was sent and the places where it was committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .heard import Finalized, Finished, Heard, HeardEvent, Token

__all__ = ["Items"]

_END_OF_ALL = "end"


@dataclass(slots=True)
class _Item:
    """One of the vendor's items.

    Attributes:
        text: what is known of it so far.
        language: as the vendor found.
        done: whether that is all.
    """

    text: str = ""
    language: str | None = None
    done: bool = False


@dataclass(slots=True)
class _Commit:
    """What was asked to be final. Times are the connection's, in ms.

    Attributes:
        id: of the message that asked for it.
        end_ms: how much audio was sent before it.
        start_ms: how much of that is in items before; not known before it is accepted.
        item: what it has become; None while the vendor has not said.
    """

    id: str
    end_ms: int
    start_ms: int = 0
    item: _Item | None = None


@dataclass(slots=True)
class Items:
    """What a connection was asked to transcribe.

    Attributes:
        sent_ms: how much audio was sent.
        taken_ms: how much of it is in items that were accepted.
    """

    sent_ms: float = 0.0
    taken_ms: int = 0
    _numbers: int = 0
    _commits: deque[_Commit] = field(default_factory=deque)
    _items: dict[str, _Item] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nothing was asked for that is not answered."""
        return not self._commits

    @property
    def waiting_ms(self) -> float:
        """How much audio has come since the last commit."""
        return self.sent_ms - (self._commits[-1].end_ms if self._commits else self.taken_ms)

    def commit(self, *, last: bool = False) -> str:
        """All that was sent is asked to be final; returns the id of the message that asks."""
        self._numbers += 1
        name = _END_OF_ALL if last else f"commit-{self._numbers}"
        self._commits.append(_Commit(name, int(self.sent_ms)))
        return name

    def accepted(self, item_id: str) -> list[HeardEvent]:
        """The oldest commit that was not accepted has become an item: they come in their order.

        Its text may be there already: nothing is promised of which is told first.
        """
        commit = next((commit for commit in self._commits if commit.item is None), None)
        if commit is not None:
            commit.item = self._item(item_id)
            commit.start_ms, self.taken_ms = self.taken_ms, commit.end_ms
        return self._settled()

    def refused(self, commit_id: str | None) -> list[HeardEvent]:
        """There was too little audio for an item, so nothing was said in it."""
        for commit in self._commits:
            if commit.item is None and commit_id in (commit.id, None):
                # Its audio waits for the next commit.
                commit.start_ms, commit.end_ms = self.taken_ms, self.taken_ms
                commit.item = _Item(done=True)
                break
        return self._settled()

    def grows(self, item_id: str, piece: str) -> list[HeardEvent]:
        """More of an item's text is known; the live models tell before the item is committed."""
        item = self._item(item_id)
        if not item.done:
            item.text += piece
        return [Heard(interim=self._interim())]

    def completed(self, item_id: str, text: str, language: str | None) -> list[HeardEvent]:
        """An item's whole text: it may be another one than its pieces made."""
        item = self._item(item_id)
        item.text, item.language, item.done = text, language, True
        return self._settled()

    def _item(self, item_id: str) -> _Item:
        return self._items.setdefault(item_id, _Item())

    def _settled(self) -> list[HeardEvent]:
        """What is final now: items may be done out of their order, and wait then for the others."""
        events: list[HeardEvent] = []
        while self._commits and (item := self._commits[0].item) is not None and item.done:
            commit = self._commits.popleft()
            self._items = {key: one for key, one in self._items.items() if one is not item}
            events.append(Heard(list(_words(item, commit)), self._interim()))
            heard = commit.end_ms > commit.start_ms  # else its audio waits for the next commit
            events.append(Finished() if commit.id == _END_OF_ALL else Finalized(all_heard=heard))
        return events

    def _interim(self) -> list[Token]:
        """What is known of what is not final, in the order in which it was said."""
        committed = [
            (commit.item, commit.start_ms, commit.end_ms)
            for commit in self._commits
            if commit.item is not None
        ]
        known = [id(item) for item, _, _ in committed]
        open_ones = [
            (item, self.taken_ms, int(self.sent_ms))
            for item in self._items.values()
            if id(item) not in known
        ]
        return [
            Token(f" {item.text.strip()}", start_ms, end_ms, language=item.language)
            for item, start_ms, end_ms in committed + open_ones
            if item.text.strip()
        ]


def _words(item: _Item, commit: _Commit) -> Iterator[Token]:
    """The words of an item: of each it is known only that it is somewhere in there."""
    for word in item.text.split():
        yield Token(f" {word}", commit.start_ms, commit.end_ms, language=item.language)
