"""`python -m tests.providers.failover`: matches between recognizers, from a shell."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.log import configure
from tests.providers.broken import long_script
from tests.vendors.speech.script import Script
from tests.vendors.speech.sphinx import PHRASES
from tests.virtual_time import virtual_time_on_sockets

from .match import match
from .parties import ENGINE, names, really_listens
from .phrases import spoken_minute
from .places import any_places, places

TIMES = 10


def main(arguments: Sequence[str]) -> int:
    """Play the matches; 1 when a word was lost or doubled in any of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers.failover", description=__doc__)
    parser.add_argument(
        "--pairs",
        default="all",
        metavar="ONE+OTHER,…",
        help=f"recognizers; all is every two of {', '.join(names())}; with {ENGINE} it takes a"
        " minute each",
    )
    parser.add_argument("--times", type=int, default=TIMES, help="how often one is killed")
    parser.add_argument("--seed", type=int, help="kill at random places")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="recorded speech")
    given = parser.parse_args(arguments)
    configure("error")
    script = long_script(given.recordings)
    falls_ms = places(script, given.times)
    if given.seed is not None:
        falls_ms = any_places(script, given.times, random.Random(given.seed))
    results = [
        _really_play(pair, given.times) if really_listens(pair) else _play(pair, script, falls_ms)
        for pair in _pairs(given.pairs)
    ]
    return 0 if all(results) else 1


def _pairs(given: str) -> list[tuple[str, str]]:
    if given == "all":
        return list(itertools.combinations_with_replacement(names(), 2))
    pairs = [pair.partition("+") for pair in given.split(",")]
    return [(one, other) for one, _, other in pairs]


def _play(pair: tuple[str, str], script: Script, falls_ms: Sequence[float]) -> bool:
    whole = False

    @virtual_time_on_sockets
    async def play() -> None:
        nonlocal whole
        result = await match(pair, script, falls_ms)
        whole = result.whole and result.switches == len(falls_ms)
        print(f"{' and '.join(pair)}: {result}")

    play()
    return whole


def _really_play(pair: tuple[str, str], times: int) -> bool:
    """In real time, with phrases that are really spoken."""
    script = spoken_minute()
    falls_ms = places(script, times)
    result = asyncio.run(match(pair, script, falls_ms, PHRASES))
    print(f"{' and '.join(pair)}: {result}")
    return result.whole and result.switches == len(falls_ms)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
