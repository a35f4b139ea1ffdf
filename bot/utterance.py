"""PURE: what the caller is saying, and the final transcripts that the recognizer owes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from bot.turn_commands import FinishTurn

__all__ = ["Debt", "HeardText", "Utterance"]


class HeardText(Protocol):
    """The part of a transcript that turn-taking looks at."""

    @property
    def text(self) -> str: ...
    @property
    def final(self) -> bool: ...
    @property
    def confidence(self) -> float | None: ...
    @property
    def rejected(self) -> bool: ...


@dataclass(slots=True)
class Utterance:
    """What the caller is saying, from the first sound to the finished turn. Times are the call's.

    Attributes:
        voice_ms: the last evidence of the caller's voice.
        sound_ms: the last that the VAD noticed of it.
        fresh_ms: when words last came whose sound the VAD did not notice.
        interim: the words that may still change.
        interim_ms, final_ms: when the last word of either kind ended, as the recognizer says.
        awaits: the number of the final transcript that ends it, see `Debt`; 0 for none.
        finalized_ms: when it was found to be over.
        ended_by_provider: whether the recognizer found so.
    """

    start_ms: float
    voice_ms: float
    sound_ms: float = -math.inf
    fresh_ms: float = -math.inf
    parts: list[HeardText] = field(default_factory=list)
    interim: HeardText | None = None
    interim_ms: float = -math.inf
    final_ms: float = -math.inf
    awaits: int = 0
    finalized_ms: float | None = None
    ended_by_provider: bool = False
    interrupted_bot: bool = False

    def take(self, heard: HeardText, end_ms: float | None) -> None:
        """Words, which replace the interim ones before them."""
        ended_ms = -math.inf if end_ms is None else end_ms
        if heard.final:
            self.parts.append(heard)
            self.interim = None
            self.final_ms = max(self.final_ms, ended_ms)
        else:
            self.interim = heard
            self.interim_ms = ended_ms

    @property
    def words_ms(self) -> float:
        """When the last of its words ended."""
        return self.final_ms if self.interim is None else max(self.final_ms, self.interim_ms)

    @property
    def lacks_ms(self) -> float:
        """How much sound the VAD noticed behind the last of its words; 0 when that is not known."""
        return 0.0 if self.words_ms == -math.inf else max(0.0, self.sound_ms - self.words_ms)

    def repeats(self, heard: HeardText) -> bool:
        """Whether these words are the interim ones that are known."""
        return self.interim is not None and self.interim.text == heard.text

    def goes_on(self) -> None:
        """The caller says more: it is not over, whoever found so."""
        self.finalized_ms = None
        self.ended_by_provider = False

    def finished(self) -> FinishTurn | None:
        """The turn that these words make; None when there are no words."""
        parts = self.parts if self.interim is None else [*self.parts, self.interim]
        if not parts:
            return None
        known = [part.confidence for part in parts if part.confidence is not None]
        return FinishTurn(
            text=" ".join(part.text.strip() for part in parts),
            confidence=min(known) if known else None,
            start_ms=self.start_ms,
            end_ms=self.voice_ms,
            rejected=any(part.rejected for part in parts),
        )


@dataclass(slots=True)
class Debt:
    """The final transcripts that the recognizer owes: one for each `Finalize`, in their order.

    They are numbered from 1. Which one a final transcript is can only be counted: one that an end
    of turn follows is none of them.
    """

    asked: int = 0
    paid: int = 0
    _latest: int = 0

    def ask(self) -> int:
        """Another one is owed; returns its number."""
        self.asked += 1
        return self.asked

    def heard(self, *, final: bool) -> int:
        """A transcript came; returns which of those that are owed it is, 0 for none of them."""
        self._latest = self.paid + 1 if final and self.paid < self.asked else 0
        self.paid = max(self.paid, self._latest)
        return self._latest

    def end_of_turn(self) -> None:
        """The transcript before this was the turn's own, and paid nothing."""
        if self._latest:
            self.paid -= 1
            self._latest = 0

    def forgive(self) -> None:
        """Nothing is owed any more."""
        self.paid = self.asked
