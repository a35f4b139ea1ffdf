"""Starts a stand-in from a shell: `python -m tests.vendors NAME …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

STAND_INS = sorted(path.parent.name for path in Path(__file__).parent.glob("*/server.py"))


def main(arguments: Sequence[str]) -> int:
    """Start what the first argument names with the rest of them."""
    if not arguments or arguments[0] not in STAND_INS:
        print(f"usage: python -m tests.vendors NAME …; NAME is one of {', '.join(STAND_INS)}")
        return 2
    import_module(f"tests.vendors.{arguments[0]}.server").main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
