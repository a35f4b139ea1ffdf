"""PURE: ends of calls that Redis does not know of yet."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from bot.dialog.types import Ended

__all__ = ["LateEnd", "LateEnds"]

MAX_LATE = 1000


@dataclass(slots=True)
class LateEnd:
    """The end of one call.

    Attributes:
        ended: how it ended.
        generation: of the stream from whose end that is concluded; None when Twilio said so.
        first: Redis said that nobody else has told it before.
        told: the dialog knows.
        name: who says so: whoever asks Redis again is known by it.
    """

    ended: Ended
    generation: int | None
    first: bool = False
    told: bool = False
    name: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)


class LateEnds:
    """The ends that are to be told to Redis, the oldest first; so many are kept."""

    def __init__(self, limit: int = MAX_LATE) -> None:
        self._limit = limit
        self._ends: OrderedDict[str, LateEnd] = OrderedDict()

    def keep(self, sid: str, end: LateEnd) -> None:
        """Redis did not answer."""
        self._ends[sid] = end
        if len(self._ends) > self._limit:
            self._ends.popitem(last=False)

    def take(self, sid: str, ended: Ended, generation: int | None) -> LateEnd:
        """The end of a call, which has just been told (again)."""
        end = self._ends.pop(sid, None) or LateEnd(ended, generation)
        if generation is None:
            end.generation = None  # Twilio's own word, which no newer stream belies
        return end

    def all(self) -> list[tuple[str, LateEnd]]:
        """The call's SID, and its end."""
        return list(self._ends.items())

    def __len__(self) -> int:
        return len(self._ends)
