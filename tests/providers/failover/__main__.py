"""`python -m tests.providers.failover`: matches between recognizers, from a shell."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.log import configure
from tests.providers.broken import long_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .match import TIMES, match
from .parties import names


def main(arguments: Sequence[str]) -> int:
    """Play the matches; 1 when a word was lost or doubled in any of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers.failover", description=__doc__)
    parser.add_argument(
        "--pairs",
        default="all",
        metavar="ONE+OTHER,…",
        help=f"recognizers; all is every two of {', '.join(names())}",
    )
    parser.add_argument("--times", type=int, default=TIMES, help="how often one is killed")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="recorded speech")
    given = parser.parse_args(arguments)
    configure("error")
    script = long_script(given.recordings)
    results = [_play(pair, script, given.times) for pair in _pairs(given.pairs)]
    return 0 if all(results) else 1


def _pairs(given: str) -> list[tuple[str, str]]:
    if given == "all":
        return list(itertools.combinations_with_replacement(names(), 2))
    pairs = [pair.partition("+") for pair in given.split(",")]
    return [(one, other) for one, _, other in pairs]


def _play(pair: tuple[str, str], script: Script, times: int) -> bool:
    whole = False

    @virtual_time_on_sockets
    async def play() -> None:
        nonlocal whole
        result = await match(pair, script, times=times)
        whole = result.whole and result.switches >= times
        print(f"{' and '.join(pair)}: {result}")

    play()
    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
