"""One pair of recognizers, one script, and what became of its words."""

from __future__ import annotations

import asyncio
import difflib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from providers.fallback import Fallback
from providers.probing import Prober
from tests.vendors.speech.script import Script

from .parties import Party, party
from .speaker import Speaker

__all__ = ["Result", "match"]

PRECISION_MS = 1
"""Times are rounded twice: on the vendor's stream, and on the speaker's clock."""
PROBE_BYTES = 40_000
"""Probes send less, all together."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one script.

    Attributes:
        said, understood: the words.
        misplaced: those whose times are not the script's, as far as the recognizers give times.
        switches: how often another one took over.
        audio_bytes: how much each got, by the stand-ins' own logs.
        lost_ms: how much audio nobody got.
        failures: who failed, and how.
    """

    said: list[str]
    understood: list[str]
    misplaced: list[str]
    switches: int
    audio_bytes: dict[str, int]
    lost_ms: float
    failures: list[tuple[str, str]]

    @property
    def whole(self) -> bool:
        """Whether no word was lost or doubled, and both have listened."""
        same = self.said == self.understood and not self.misplaced and not self.lost_ms
        return same and min(self.audio_bytes.values()) > PROBE_BYTES

    def __str__(self) -> str:
        verdict = "whole" if self.whole else "not whole"
        got = ", ".join(f"{name} got {size} bytes" for name, size in self.audio_bytes.items())
        text = f"{len(self.said)} words are {verdict} after {self.switches} switches; {got}"
        changes = difflib.unified_diff(self.said, self.understood, lineterm="", n=1)
        faults = [*itertools.islice(changes, 2, 30), *self.misplaced[:10]]
        return text + "".join(f"\n    {fault}" for fault in faults)


async def match(
    pair: tuple[str, str],
    script: Script,
    falls_ms: Sequence[float],
    phrases: tuple[str, ...] = (),
) -> Result:
    """Have two recognizers share a script; who is listening falls at these times (ms)."""
    async with AsyncExitStack() as stack:
        parties = [
            await stack.enter_async_context(party(name, number, script))
            for number, name in enumerate(pair, 1)
        ]
        candidates = [one.candidate for one in parties]
        speaker = Speaker(Fallback(candidates), script, phrases)
        probing = asyncio.create_task(Prober(candidates).run())
        try:
            await speaker.speak(_falls(parties, speaker, falls_ms))
        finally:
            probing.cancel()
            await asyncio.wait([probing])
        return _result(script, parties, speaker)


def _falls(
    parties: list[Party], speaker: Speaker, falls_ms: Sequence[float]
) -> dict[float, Callable[[], Awaitable[None]]]:
    async def fall() -> None:
        for one in parties:
            if one.candidate.name == speaker.used[-1]:
                await one.fall()
            else:
                await one.rise()

    return dict.fromkeys(falls_ms, fall)


def _result(script: Script, parties: list[Party], speaker: Speaker) -> Result:
    words = [(word.text, word.start_ms, word.end_ms) for word in speaker.words]
    said = [(word.text, word.start_ms, word.end_ms) for word in script.words]
    timed = all(one.candidate.provider.capabilities.boundary == "word" for one in parties)
    return Result(
        said=script.text.split(),
        understood=speaker.text.split(),
        misplaced=_misplaced(said, words) if timed else [],
        switches=sum(one != other for one, other in itertools.pairwise(speaker.used)),
        audio_bytes={one.candidate.name: one.audio_bytes for one in parties},
        lost_ms=speaker.lost_ms,
        failures=speaker.failures,
    )


def _misplaced(said: list[tuple[str, int, int]], words: list[tuple[str, int, int]]) -> list[str]:
    return [
        f"{text} at {start_ms}-{end_ms} not {found_ms}-{found_end_ms}"
        for (text, start_ms, end_ms), (_, found_ms, found_end_ms) in zip(said, words, strict=False)
        if max(abs(start_ms - found_ms), abs(end_ms - found_end_ms)) > PRECISION_MS
    ]
