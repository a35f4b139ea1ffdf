"""How long the import of a CSV takes, and how much memory: python -m tests.bench.campaign_import.

Makes the file (people of several countries, some rows wrong, some twice, some on the do-not-call
list), imports it into a Redis of its own, and then the same again, which must change nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from redis.asyncio import Redis

from bot.campaign.importing import Imported, RejectsFile, import_contacts, read_file
from bot.campaign.spec import CampaignSpec
from bot.campaign.store import CampaignStore
from bot.campaign.types import Campaign
from bot.redis_server import private_redis

FIRST = ("Ann", "Bob", "Carla", "Dana", "Émile", "Fatima", "Günther", "Hồ", "Ivan", "Jun")
CITIES = ("New York", "Berlin", "London", "Paris", "São Paulo", "Kraków, Old Town", "Oslo")
AREAS = (
    *(201, 212, 213, 214, 215, 303, 305, 310, 312, 313, 404, 415, 503, 512, 602, 612, 617, 702),
    *(713, 718, 808, 907, 917, 919),
)
WRONG = ("12", "", "+1 900 234 5678", "5.55123E+09", "+49 30", "n/a")


def main() -> None:
    """Run it and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), given.rows, random.Random(given.seed)))


async def run(folder: Path, rows: int, chance: random.Random) -> None:
    """Make the file, import it twice, and print."""
    file = folder / "people.csv"
    refused = make(file, rows, chance)
    print(f"file           {rows:,} rows, {file.stat().st_size / 1e6:.1f} MB")
    async with private_redis(folder / "state") as url:
        redis, store = Redis.from_url(url), CampaignStore(url)
        try:
            spec = CampaignSpec(name="bench", from_numbers=("+15550001111",), region="US")
            campaign = await store.create(spec)
            for number in refused:
                await store.do_not_call(number, "bench")
            before = (await redis.info("memory"))["used_memory"]
            imported = await timed("import", store, campaign, file)
            after = (await redis.info("memory"))["used_memory"]
            print(f"Redis          {(after - before) / imported.added:.0f} bytes a contact")
            again = await timed("the same again", store, campaign, file)
            assert (again.added, again.rows) == (0, imported.rows)
        finally:
            await store.aclose()
            await redis.aclose()


async def timed(name: str, store: CampaignStore, campaign: Campaign, file: Path) -> Imported:
    """Import the file, print what it took."""
    rejects = file.with_suffix(".rejects.csv")
    began_s, cpu_s, memory = time.perf_counter(), time.process_time(), peak_mb()
    async with RejectsFile(rejects) as told:
        imported = await import_contacts(store, campaign, read_file(file), rejects=told)
    took_s = time.perf_counter() - began_s
    print(
        f"{name:14} {took_s:.1f} s, {imported.rows / took_s:,.0f} rows/s,"
        f" {(time.process_time() - cpu_s) / took_s:.0%} of a core;"
        f" peak memory {peak_mb():.0f} MB ({memory:.0f} before)\n"
        f"{'':14} {imported.added:,} added, {imported.duplicates:,} duplicates,"
        f" {imported.do_not_call:,} not to be called, {imported.invalid:,} invalid;"
        f" rejects {rejects.stat().st_size / 1e6:.1f} MB"
    )
    return imported


def make(file: Path, rows: int, chance: random.Random) -> list[str]:
    """Write people into a CSV file: of a hundred rows one is wrong, and one is there already.

    Gives numbers of whom nobody is to be called, one of a thousand rows.
    """
    numbers, refused = ["+14155552671"], list[str]()
    with file.open("w", encoding="utf-8-sig") as out:
        out.write("Phone,Full name,Time zone,Language,City,Balance\n")
        for at in range(rows):
            number = somebody(chance)
            if at % 100 == 1:
                number = chance.choice(WRONG)
            elif at % 100 == 2:
                number = chance.choice(numbers)
            elif at % 1000 == 3:
                numbers.append(number)
            elif at % 1000 == 4:
                number = american(chance)
                refused.append(number)
            zone = "America/New_York" if at % 4 == 0 else ""
            name, city = chance.choice(FIRST), chance.choice(CITIES)
            out.write(f'{number},{name} {at},{zone},en-US,"{city}",{chance.randrange(9999)}\n')
    return refused


def somebody(chance: random.Random) -> str:
    """A number as people of several countries write it."""
    match chance.randrange(10):
        case 0:
            return f"+49 151 {chance.randrange(10_000_000, 99_999_999)}"
        case 1:
            return f"+44 7911 {chance.randrange(100_000, 999_999)}"
        case 2:
            local = f"5{chance.randrange(20, 99)}-{chance.randrange(10_000):04}"
            return f"({chance.choice(AREAS)}) {local}"
        case _:
            return american(chance)


def american(chance: random.Random) -> str:
    """A number of the United States."""
    return f"+1{chance.choice(AREAS)}{chance.randrange(220, 999)}{chance.randrange(10_000):04}"


def peak_mb() -> float:
    """The most that this process has had in memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
