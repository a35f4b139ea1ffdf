"""One reply of the bot on its way to the caller: what is planned of it, and what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.dialog import Action, HistoryEntry, Play, Say, Turn
from bot.reading import Reading
from media.playout import Segment

__all__ = ["SpokenReply"]


@dataclass(slots=True, eq=False)
class SpokenReply:
    """One reply.

    Attributes:
        hook: the method of the dialog that gives it; empty when it is the apology.
        asked: the turn, or the keys, that it answers.
        reading: the run of the hook that gives it; `reader` is that run's task.
        task: what makes it.
        state_before: `call.state` before the hook ran; None while it has not begun.
        entry: its place in the history, once there is something to say.
        said: what was given to the voice, each with its segment in the ledger.
        closed: the hook has given all of it, or is not to any more.
        by_twilio: Twilio may apologize when there is no other voice.
        to_machine: no dialog said it, to nobody who would hear an apology.
        held: it was interrupted, perhaps by a noise: the hook runs on meanwhile.
        told: the dialog knows that it was interrupted.
        went_on: some of it was heard before such a noise.
        confirmed: how many sentences Twilio said were heard, when the stream was lost. Of the next
            one only the clock tells, which knows nothing of what was still under way: it counts as
            not heard to its end, since a sentence said twice is better than one not said.
    """

    hook: str = ""
    asked: Turn | str | None = None
    reading: Reading | None = None
    reader: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None
    state_before: dict[str, Any] | None = None
    entry: HistoryEntry | None = None
    said: list[tuple[Say | Play, Segment]] = field(default_factory=list)
    closed: bool = False
    by_twilio: bool = False
    to_machine: bool = False
    held: bool = False
    told: bool = False
    went_on: bool = False
    confirmed: int | None = None

    @property
    def busy(self) -> bool:
        """Whether it is still being made, or waits for the one before it."""
        return self.task is not None and not self.task.done()

    @property
    def over(self) -> bool:
        """Whether nothing is left of it to be said or heard."""
        return not self.busy and all(segment.whole for _, segment in self.said)

    @property
    def heard(self) -> str:
        """What the caller has heard of it, as far as is known."""
        heard = [segment.heard for _, segment in self.said]
        if self.confirmed is not None:
            for number in range(self.confirmed, len(heard)):
                if heard[number] == self.said[number][1].text:
                    heard[number] = _all_but_its_end(heard[number])
        return " ".join(filter(None, heard))

    @property
    def planned(self) -> list[Say | Play]:
        """All that is to be said, as far as the hook has given it."""
        ahead: Iterable[Action] = self.reading.ahead if self.reading is not None else ()
        later = (step for step in ahead if isinstance(step, Say | Play))
        return [*(step for step, _ in self.said), *later]

    @property
    def reading_over(self) -> bool:
        """Whether its hook has nothing more to do."""
        return self.reader is None or self.reader.done()

    @property
    def unanswered(self) -> bool:
        """Whether nothing was heard of what is to be heard of it."""
        return not (self.over or self.heard or self.went_on)

    def go_on(self) -> None:
        """Say the rest of it, from the first sentence that was not wholly heard, as a new entry."""
        if self.reading is not None:
            whole = [segment.whole for _, segment in self.said]
            first = whole.index(False) if False in whole else len(whole)
            self.reading.ahead.extendleft(reversed([step for step, _ in self.said[first:]]))
        self.said, self.entry = [], None
        self.held, self.told, self.went_on = False, False, True

    def note_planned(self, now_ms: float) -> HistoryEntry | None:
        """Bring the planned text of its entry up to date; gives an entry that is new."""
        text = " ".join(map(_text, self.planned))
        if self.entry is not None:
            self.entry.text = text
        elif text:
            self.entry = HistoryEntry("bot", text, "", round(now_ms), round(now_ms))
            return self.entry
        return None

    def note_heard(self) -> None:
        """Bring what was heard, and when, up to date in its entry."""
        if self.entry is None:
            return
        self.entry.heard = self.heard
        segments = [segment for _, segment in self.said]
        starts = [s.heard_from_ms for s in segments if s.heard_from_ms is not None]
        ends = [s.heard_to_ms for s in segments if s.heard_to_ms is not None]
        if starts and ends:
            self.entry.start_ms, self.entry.end_ms = round(min(starts)), round(max(ends))

    def note_lost(self) -> None:
        """The stream is lost: what is confirmed by now is all that ever will be."""
        if self.confirmed is None:
            self.confirmed = sum(segment.whole for _, segment in self.said)

    def cancel(self) -> None:
        """Stop making it."""
        if self.task is not None and not self.task.cancelling():
            self.task.cancel()


def _text(step: Say | Play) -> str:
    return step.text if isinstance(step, Say) else f"[{Path(step.path).name}]"


def _all_but_its_end(text: str) -> str:
    """A sentence without its full stop, or else its last word."""
    return text[:-1] if text and not text[-1].isalnum() else text.rpartition(" ")[0]
