"""A worker process that starts at once: ``python -m tests.providers.stt.toy_worker MODEL``.

It loads when there is a file of that name, and ends when it is opened with last words to say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from providers.stt.local_wire import Result
from providers.stt.local_worker import LoadError, Recognizer, serve


class _Toy:
    """A `Recognizer` that understands nothing."""

    def __init__(self) -> None:
        self.abilities: Mapping[str, Any] = {"languages": ["en"]}

    def open(self, wanted: Mapping[str, Any]) -> None:
        if "last_words" in wanted:
            os.write(2, wanted["last_words"].encode())
            os._exit(3)

    def close(self) -> None:
        """Nothing is remembered."""

    def expect(self, phrases: Sequence[str]) -> None:
        """Nothing is."""

    def hear(self, audio: bytes) -> None:
        """Nothing is understood."""

    def interim(self) -> None:
        """Nor before the end."""

    def finalize(self) -> Result:
        return Result("", True, 0, 0)


def _load() -> Recognizer:
    if not Path(sys.argv[1]).exists():
        raise LoadError("the model is gone", "get it again")
    return _Toy()


if __name__ == "__main__":
    serve(_load)
