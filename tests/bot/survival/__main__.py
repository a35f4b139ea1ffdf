"""`python -m tests.bot.survival PROOF`: each proof is a command of its own."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from . import deadly, drained, frozen, killed, redis_away, short


class Proof(Protocol):
    """A module of this package."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""

    def main(self, arguments: argparse.Namespace) -> int:
        """Do the proof, print its rounds, and give the status to exit with."""


PROOFS: Mapping[str, Proof] = {
    "killed": killed,
    "frozen": frozen,
    "drained": drained,
    "redis": redis_away,
    "deadly": deadly,
    "short": short,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.survival",
        description="Prove that a call outlives its worker.",
        epilog="Example: python -m tests.bot.survival killed --times 5",
    )
    proofs = parser.add_subparsers(dest="proof", required=True, metavar="PROOF")
    for name, module in PROOFS.items():
        text = module.__doc__ or ""
        proof = proofs.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        proof.add_argument("--seed", type=int, default=1, help="of the random moments")
        proof.add_argument(
            "--out", type=Path, help="a folder for records and logs of what went wrong"
        )
        module.add_arguments(proof)
    arguments = parser.parse_args()
    # Whoever stops a proof does not want to be left with its workers.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return PROOFS[arguments.proof].main(arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
