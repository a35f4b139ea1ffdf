"""Prints the tables, as Markdown: `python -m tests.bench.codecs`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import astuple, fields

from bot.log import configure
from providers.catalog import TABLES, VENDORS
from providers.facts import Kind
from tests.providers.conformance.reach import LOCAL, remote
from tests.vendor_pages.tables import table

from .cost import codec_us, decoding_us
from .lines import Lines, lines_of

ROUNDS = 5
MEASURED: dict[Kind, str] = {"stt": "recognizes", "tts": "speaks"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.codecs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the least counts")
    rounds = parser.parse_args(arguments).rounds
    configure("error")
    headings = ("vendor", *(field.name for field in fields(Lines)))
    accounts = sorted(VENDORS.keys() - LOCAL)
    print(
        table(headings, [(account, *map(str, astuple(lines_of(account)))) for account in accounts])
    )
    decoding = decoding_us()
    rows = []
    for kind, does in MEASURED.items():
        for name in remote(TABLES[kind]):
            least_us = min(codec_us(kind, name) for _ in range(rounds))
            rows.append((f"`{name}`", does, f"{least_us:.2f}", f"{least_us / decoding:.2f}"))
    print(table(("codec", "", "µs a frame", f"of decoding a frame ({decoding:.2f} µs)"), rows))


if __name__ == "__main__":
    main()
