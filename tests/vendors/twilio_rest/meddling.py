"""What happens to callbacks on their way, by chance, but always the same for one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Fate", "Meddling"]


@dataclass(frozen=True, slots=True)
class Fate:
    """How one callback is delivered.

    Attributes:
        words: what is done to it, for the ledger; empty: nothing.
        after_s: how late.
        overtakes: whether it waits for none of those before it.
    """

    words: str = ""
    after_s: float = 0.0
    overtakes: bool = False


@dataclass(slots=True)
class Meddling:
    """Which part of the callbacks, from 0 to 1, is meddled with.

    Attributes:
        dropped: is never sent.
        doubled: is sent twice, the second time up to `delay_s` later.
        delayed: is sent up to `delay_s` later, and those after it after it.
        reordered: is sent up to `delay_s` later, and those after it do not wait for it.
    """

    dropped: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    reordered: float = 0.0
    delay_s: float = 2.0
    seed: int = 0
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def fates(self) -> Iterator[Fate]:
        """How the next callback is delivered: usually once; not at all if there is none."""
        chance = self._chance
        dropped, doubled, delayed, reordered = (
            chance.random() < part
            for part in (self.dropped, self.doubled, self.delayed, self.reordered)
        )
        late_s = chance.uniform(0, self.delay_s)
        again_s = chance.uniform(0, self.delay_s)
        if dropped:
            return
        if reordered:
            yield Fate("reordered", after_s=late_s, overtakes=True)
        elif delayed:
            yield Fate("delayed", after_s=late_s)
        else:
            yield Fate()
        if doubled:
            yield Fate("doubled", after_s=again_s, overtakes=True)
