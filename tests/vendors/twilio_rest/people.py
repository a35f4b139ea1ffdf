"""The people whom a bot calls: what each does when the telephone rings."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bot.phone.clip import Clip
from bot.phone.steps import HangUp, Play, Step, Wait, WaitForBot

from .sounds import BEEP, FAX, GREETING, YES

__all__ = ["DOES", "Crowd", "Does", "People", "Person", "machine", "usual"]

Does = Literal[
    "answers", "hangs_up", "no_answer", "busy", "failed", "unreachable", "machine", "fax"
]
DOES: tuple[Does, ...] = get_args(Does)

ANSWERING: frozenset[Does] = frozenset({"answers", "hangs_up", "machine", "fax"})
"""Those with whom a call is in progress."""

_RECORDS_MS = 60_000
_FAX_MS = 20_000


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody does when called.

    Attributes:
        does: `no_answer` lets it ring; `failed` is a number to which no way leads; `unreachable`
            one for which Twilio takes no call at all, with `code`; the others answer.
        steps: what they do then; a machine's greeting and a fax's tone are steps too.
        ring_ms: how long it rings before somebody answers, or before a busy line is known.
        light: of the answer nothing comes but that Twilio asks for the TwiML; they hang up after
            `light_ms`. For thousands of calls.
        beeps: whether a machine's last clip is a beep.
        verdict: what detection takes them for; empty: for what they are.
        verdict_ms: how long after the answer; None: as long as it takes Twilio.
    """

    does: Does = "answers"
    steps: tuple[Step, ...] = (WaitForBot(), Play(YES), WaitForBot(), HangUp())
    ring_ms: int = 2_000
    light: bool = False
    light_ms: int = 1_000
    beeps: bool = False
    verdict: str = ""
    verdict_ms: int | None = None
    code: int = 21214


def machine(greeting: Sequence[Clip] = (GREETING,), beep: Clip | None = BEEP) -> Person:
    """An answering machine: greets, beeps, and records for a minute."""
    said = [Play(clip) for clip in (*greeting, *([beep] if beep else []))]
    return Person("machine", (*said, Wait(_RECORDS_MS), HangUp()), beeps=beep is not None)


def usual(does: Does) -> Person:
    """Somebody of that kind."""
    match does:
        case "hangs_up":
            return Person(does, (Wait(300), HangUp()), light_ms=300)
        case "machine":
            return machine()
        case "fax":
            return Person(does, (Play(FAX), Wait(_FAX_MS), HangUp()))
    return Person(does)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody else, by chance: what a number does depends on `seed` and how often it was called.

    Attributes:
        shares: how many of them do what, in any unit.
        light: whether all are.
        ring_ms, light_ms: the longest times; each call has some part of them. None: the usual.
    """

    seed: int
    shares: Mapping[Does, float]
    light: bool = False
    ring_ms: int | None = None
    light_ms: int | None = None

    def person(self, number: str, before: int) -> Person:
        """Who is at that number the next time, after `before` calls."""
        chance = random.Random(f"{self.seed} {number} {before}")
        (does,) = chance.choices(list(self.shares), list(self.shares.values()))
        person = replace(usual(does), light=self.light)
        if self.ring_ms is not None:
            person = replace(person, ring_ms=chance.randint(0, self.ring_ms))
        if self.light_ms is not None:
            person = replace(person, light_ms=chance.randint(0, self.light_ms))
        return person


class People:
    """Who is at which number.

    Args:
        by_number: what each does at the first call, the second and so on; the last one stays.
        others: whoever is at all other numbers.
    """

    def __init__(
        self,
        by_number: Mapping[str, Sequence[Person]] | None = None,
        others: Person | Crowd | None = None,
    ) -> None:
        self._by_number = dict(by_number or {})
        self._others = others or Person()
        self._called: Counter[str] = Counter()

    def next(self, number: str) -> Person:
        """Who is at that number now; this is not yet a call."""
        before = self._called[number]
        if (known := self._by_number.get(number)) is not None:
            return known[min(before, len(known) - 1)]
        if isinstance(self._others, Crowd):
            return self._others.person(number, before)
        return self._others

    def call(self, number: str) -> Person:
        """Who answers this call."""
        person = self.next(number)
        self._called[number] += 1
        return person


def left_after(steps: Sequence[Step], ms: int) -> tuple[Step, ...]:
    """The steps of somebody who has been at them for `ms` without a stream.

    Waiting for the bot begins with the stream. Nothing is left of somebody who has hung up.
    """
    for at, step in enumerate(steps):
        match step:
            case Play(clip):
                rest: Step = Play(Clip(clip.name, clip.audio[ms * 8 :]))
                lasts_ms = len(clip.audio) // 8
            case Wait(lasts_ms):
                rest = Wait(lasts_ms - ms)
            case HangUp():
                return ()
            case _:
                return tuple(steps[at:])
        if ms < lasts_ms:
            return (rest, *itertools.islice(steps, at + 1, None))
        ms -= lasts_ms
    return ()
