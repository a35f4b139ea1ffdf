"""Breaks the connections of a long recognition, again and again, and compares what is understood.

`python -m tests.providers.broken --times 20 --seed 1` from a shell.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.log import configure
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.recordings import computed_script, recorded_script
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .leaks import served
from .stt.streaming import Listener, said_in, understood

__all__ = ["EVERYWHERE", "long_script", "random_faults", "recognize"]

EVERYWHERE = (
    Fault("reset", "word", 2_000),
    Fault("reset", "interim", 5_000),
    Fault("reset", "final", 4_000),
    # Three in a row while the same audio is sent again.
    Fault("reset", "audio", 0),
    Fault("close", "audio", 20),
    Fault("reset", "audio", 150.125),
    Fault("error", "final", 3_000, code=503),
    Fault("reset", "word", 100),
    Fault("close", "interim", 6_000),
    Fault("garbage", "word", 3_000),
    Fault("reset", "final"),
    Fault("reset", "final", 7_000),
    Fault("reset", "finish"),
)
"""In mid-word, between interim and final, between a final and its delivery, while audio is sent
again, and at the end."""

KINDS = ("reset", "close", "error", "garbage")
WHENS = ("audio", "word", "interim", "final")
MOST_IN_A_ROW = 3
"""Breaks without progress between them, so that the three seconds are not used up."""

SENTENCES = (
    "Hello, this is Parley, and I would like to know who is calling me today.",
    "My name is Angela Winterbottom, and I have a question about my last bill.",
    "It says that I have called Australia, for an hour and a half, in the night of Friday.",
    "But I was asleep, as anybody would be, and nobody else lives in my house.",
    "So could you please see who that was, and give me my money back?",
    "Thank you, I will wait. How long will it take until somebody answers?",
    "Until tomorrow would be fine. You have my number, haven't you? Good bye!",
)


def long_script(recordings: Path | None) -> Script:
    """A minute of speech: recorded, if there is a directory, else computed."""
    if recordings is not None:
        return recorded_script(recordings)
    return computed_script(SENTENCES, pause_ms=3_200)


def random_faults(chance: random.Random) -> list[Fault]:
    """Fifteen, some of them quickly one after the other."""
    faults = list[Fault]()
    in_a_row = 0
    while len(faults) < 15:
        in_a_row = in_a_row + 1 if in_a_row < MOST_IN_A_ROW and chance.random() < 0.5 else 0
        at_ms = chance.uniform(0, 400) if in_a_row else chance.uniform(3_500, 6_000)
        kind, when = chance.choice(KINDS), "audio" if in_a_row else chance.choice(WHENS)
        faults.append(Fault(kind, when, at_ms))  # type: ignore[arg-type]
    return faults


async def recognize(script: Script, faults: Sequence[Fault]) -> tuple[Listener, int]:
    """What is understood of a script, and on how many connections."""
    async with served(script, *faults, keep=False) as standin:
        # Where nothing is broken it does not matter how the audio is cut.
        listener = await understood(standin, script.audio, piece_ms=100 if faults else 1_000)
        return listener, len(standin.stt)


def main(arguments: Sequence[str]) -> int:
    """Run as often as is asked for; 1 when anything but the script was ever understood."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers.broken", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="recorded speech")
    given = parser.parse_args(arguments)
    configure("warning")
    script = long_script(given.recordings)
    results = [_once(script, given.seed + number) for number in range(given.times)]
    print(f"{sum(results)} of {given.times} runs of {len(script.words)} words are whole")
    return 0 if all(results) else 1


def _once(script: Script, seed: int) -> bool:
    faults = random_faults(random.Random(seed))
    same = False

    @virtual_time_on_sockets
    async def run() -> None:
        nonlocal same
        listener, connections = await recognize(script, faults)
        same = listener.words == said_in(script)
        ended = listener.error or ("the same words" if same else "other words")
        print(f"seed {seed}: {connections} connections, {ended}")

    run()
    return same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
