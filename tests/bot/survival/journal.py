"""What the dialogs of a proof wrote down, over all its workers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Entry", "Journal"]

_POLL_S = 0.005
_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A dialog was asked something.

    Attributes:
        kind: `greet`, `asked`, `answered`, `keys`, `interrupted` or `end`.
        pid: the worker's process.
        at_ms: when, in ms since the epoch.
        more: what else was noted.
    """

    kind: str
    sid: str
    pid: int
    at_ms: float
    more: dict[str, Any] = field(default_factory=dict)


class Journal:
    """The file that `tests.bot.survival.dialogs` append to, read while it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_bytes = 0
        self._entries: list[Entry] = []

    def of(self, sid: str) -> list[Entry]:
        """What was asked in this call so far, in order."""
        self._read()
        return [entry for entry in self._entries if entry.sid == sid]

    async def wait(self, sid: str, kind: str) -> Entry:
        """The first entry of this kind of the call, as soon as it is there.

        It is looked for every few milliseconds: a worker that is about to be killed can be trusted
        with nothing more than an appended line.

        Raises:
            TimeoutError: it is not there within half a minute.
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + _DEADLINE_S
        while loop.time() < end_s:
            for entry in self.of(sid):
                if entry.kind == kind:
                    return entry
            await asyncio.sleep(_POLL_S)
        told = [entry.kind for entry in self.of(sid)]
        raise TimeoutError(f"the dialog was not asked {kind!r} within {_DEADLINE_S:g} s: {told}")

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file:
                file.seek(self._read_bytes)
                lines = file.read()
        except FileNotFoundError:
            return
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            values = json.loads(line)
            own = {key: values.pop(key) for key in ("kind", "sid", "pid", "at_ms")}
            self._entries.append(Entry(**own, more=values))
