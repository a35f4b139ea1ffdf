"""Starts a stand-in from a shell: `python -m tests.vendors NAME …`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from tests.vendors.deepgram import server as deepgram
from tests.vendors.elevenlabs import server as elevenlabs
from tests.vendors.openai import server as openai
from tests.vendors.soniox import server as soniox
from tests.vendors.twilio_rest import server as twilio_rest

STAND_INS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "deepgram": deepgram.main,
    "openai": openai.main,
    "elevenlabs": elevenlabs.main,
    "soniox": soniox.main,
    "twilio_rest": twilio_rest.main,
}


def main(arguments: Sequence[str]) -> int:
    """Start what the first argument names with the rest of them."""
    if not arguments or arguments[0] not in STAND_INS:
        print(f"usage: python -m tests.vendors NAME …; NAME is one of {', '.join(STAND_INS)}")
        return 2
    STAND_INS[arguments[0]](arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
