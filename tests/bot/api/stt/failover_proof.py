"""Proves that clients of the service notice nothing when a vendor is gone in mid-sentence.

From a shell: `python -m tests.bot.api.stt.failover_proof --times 5 [--seed 1]`. Two vendors'
stand-ins are processes of their own, which know the recording. A client at each door sends it as it
is spoken; the vendor that hears them is killed with SIGKILL in the middle of a word. Each client
must be told the very words that it is told when nobody is killed, and no error; the stand-ins' logs
must show that both got the audio of all.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from media.audio import PCM16_16K
from tests.bot.survival.launching import Launched, launch_warm
from tests.bot.survival.workers import Worker
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .paced_clients import DOORS, Told
from .vendor_process import LOG_EVERY_S, VENDORS, VendorProcess

__all__ = ["SENTENCES", "Kill", "Round", "kills_of", "prove"]

SENTENCES = (
    "the first vendor hears the beginning of this",
    "then somebody pulls its plug in the middle of a word",
    "and the other one goes on as if nothing had happened",
)
LEAD_S = 0.3
"""How long connections may take before the first audio is due."""
ROUND_S = 120.0
LOGGED_S = 2.0
"""Who takes over may have got all at once, and its log is behind."""
MOST_MISSED_MS = 600
"""So much less than was sent may have reached a vendor: what is held back, and not yet logged."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Who hears first, who takes over, and when the first is killed: so far into the recording."""

    first: str
    second: str
    at_ms: int | None


@dataclass
class Round:
    """One recording, by each door at the same time.

    Attributes:
        kill: what was done.
        told: each door's client.
        problems: what was wrong.
    """

    kill: Kill
    told: dict[str, Told] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def kills_of(script: Script, times: int, seed: int) -> list[Kill]:
    """Kills at random: each in the middle of a word."""
    moments = random.Random(seed)
    kills = []
    for _ in range(times):
        first, second = moments.sample(sorted(VENDORS), 2)
        word = moments.choice(script.words)
        inside = moments.uniform(0.2, 0.8)
        kills.append(
            Kill(first, second, round(word.start_ms + inside * (word.end_ms - word.start_ms)))
        )
    return kills


async def prove(
    folder: Path,
    kills: Sequence[Kill],
    sentences: Sequence[str] = SENTENCES,
    start: Callable[..., Awaitable[Launched]] = launch_warm,
) -> list[Round]:
    """Have the recording heard once for each kill, by a new worker each time.

    Args:
        folder: for workers and logs.
        kills: what is done.
        sentences: that are said.
        start: how workers are started.
    """
    script = computed_script(sentences)
    vendors = {name: VendorProcess(name, sentences, folder) for name in VENDORS}
    rounds = []
    async with AsyncExitStack() as stack:
        for vendor in vendors.values():
            stack.callback(vendor.join)
            stack.callback(vendor.kill)
        for number, kill in enumerate(kills):
            settings = {"PARLEY_STATE_DIR": str(folder), "PARLEY_VAD": "energy"}
            for vendor in vendors.values():
                settings |= vendor.settings
            worker = Worker(f"worker{number}", folder, settings, start)
            try:
                starting = [vendor.start() for vendor in vendors.values()]
                await asyncio.gather(worker.start(), *starting)
                rounds.append(await _round(script, worker, vendors, kill))
            finally:
                await worker.stop()
                # Each round's logs are its own.
                for vendor in vendors.values():
                    vendor.kill()
                    vendor.join()
    return rounds


async def _round(
    script: Script, worker: Worker, vendors: dict[str, VendorProcess], kill: Kill
) -> Round:
    found = Round(kill)
    audio = script.audio_in(PCM16_16K)
    providers = f"{kill.first},{kill.second}"
    began_s = time.monotonic() + LEAD_S
    async with asyncio.timeout(ROUND_S), asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(_heard(door(worker.url, audio, providers, began_s)))
            for name, door in DOORS.items()
        }
        if kill.at_ms is not None:
            await asyncio.sleep(began_s + kill.at_ms / 1000 - time.monotonic())
            vendors[kill.first].kill()
    found.told = {name: task.result() for name, task in tasks.items()}
    for name, told in found.told.items():
        found.problems += [f"{name}: {problem}" for problem in _problems(script, told)]
    found.problems += await _unlogged(vendors, kill, PCM16_16K.duration_ms(len(audio)))
    return found


async def _unlogged(vendors: dict[str, VendorProcess], kill: Kill, duration_ms: float) -> list[str]:
    """As `_unheard`, when the logs tell of what a vendor got and answered just now."""
    until_s = time.monotonic() + LOGGED_S
    while problems := list(_unheard(vendors, kill, duration_ms)):
        if time.monotonic() >= until_s:
            break
        await asyncio.sleep(LOG_EVERY_S)
    return problems


async def _heard(client: Awaitable[Told]) -> Told:
    try:
        return await client
    except (OSError, AssertionError) as error:
        return Told(errors=[repr(error)])


def _problems(script: Script, told: Told) -> Iterator[str]:
    """What is wrong with what a client was told."""
    yield from told.errors
    text = " ".join(final["text"] for final in told.finals)
    if text != script.text:
        yield f"finals: {text!r}"
    if told.text is not None and told.text != script.text:
        yield f"in all: {told.text!r}"
    if not told.ended:
        yield "it was not told the end"
    if told.finals and "sequence" in told.finals[0]:
        sequences = [final["sequence"] for final in told.finals]
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"sequences: {sequences}"
        times_ms = [time for final in told.finals for time in (final["start_ms"], final["end_ms"])]
        if times_ms != sorted(times_ms):
            yield f"times: {times_ms}"


def _unheard(vendors: dict[str, VendorProcess], kill: Kill, duration_ms: float) -> Iterator[str]:
    """Who has, by its log, not got its part of the audio of each client."""
    until_ms = duration_ms if kill.at_ms is None else kill.at_ms
    parts_ms = {kill.first: until_ms, kill.second: duration_ms - until_ms}
    for name, part_ms in parts_ms.items():
        least = PCM16_16K.byte_count(max(0.0, part_ms - MOST_MISSED_MS))
        streams = vendors[name].streams()[: len(DOORS)]
        if least and (len(streams) < len(DOORS) or min(streams) < least):
            yield f"{name} got {streams} bytes of audio, and should have got {least} of each"


async def _main(given: argparse.Namespace) -> int:
    script = computed_script(SENTENCES)
    calm = [Kill("deepgram", "soniox", None), Kill("soniox", "deepgram", None)]
    with tempfile.TemporaryDirectory(prefix="parley-failover-") as name:
        folder = Path(name)
        rounds = await prove(folder, [*calm, *kills_of(script, given.times, given.seed)])
        for each in rounds:
            kill = each.kill
            what = "undisturbed" if kill.at_ms is None else f"killed at {kill.at_ms / 1000:.2f} s"
            verdict = "; ".join(each.problems) or "all words, none twice, no error, at each door"
            print(f"{kill.first:8} then {kill.second:8} {what:18} {verdict}", flush=True)
        wrong = [number for number, each in enumerate(rounds) if each.problems]
        for number in wrong:
            lines = (folder / f"worker{number}.log").read_text("utf-8").splitlines()
            print(f"--- round {number}", *lines[-30:], sep="\n")
    return 1 if wrong else 0


def main() -> int:
    """Prove it from a shell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.api.stt.failover_proof", description=__doc__
    )
    parser.add_argument("--times", type=int, default=5, help="how many kills (5)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
