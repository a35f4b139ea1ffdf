"""Starts a stand-in from a shell: `python -m tests.vendors NAME …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from providers.catalog import VENDORS
from tests.vendors.speech.shell import serve_from_shell
from tests.vendors.twilio_rest import server as twilio_rest

TWILIO = "twilio_rest"
HERE = Path(__file__).parent
SPEECH = sorted(account for account in VENDORS if (HERE / account / "access.py").exists())


def main(arguments: Sequence[str]) -> int:
    """Start what the first argument names with the rest of them."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name == TWILIO:
        twilio_rest.main(rest)
    elif name in SPEECH:
        serve_from_shell(name, import_module(f"tests.vendors.{name}.access").ACCESS, rest)
    else:
        names = ", ".join([*SPEECH, TWILIO])
        print(f"usage: python -m tests.vendors NAME …; NAME is one of {names}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
