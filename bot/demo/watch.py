"""The conversation as it happens: the phone's events, and words from the worker's record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from bot.phone.events import EventKind, PhoneEvent

from .scene import SpokenLine

__all__ = ["Watch"]

_POLL_S = 0.15

OnLine = Callable[[float | None, str, str], None]


class Watch:
    """Tells of a call line by line.

    Args:
        lines: what is said in the caller's recordings.
        on_line: called with the time (ms since the stream began; None for a remark on the line
            before), who or what it is about, and what happened.
    """

    def __init__(self, lines: Sequence[SpokenLine], on_line: OnLine) -> None:
        self._texts = {line.file: line.text for line in lines}
        self._on_line = on_line
        self._told: list[str] = []
        self._cut = -1  # the last entry that was interrupted: none before it is any more

    def phone(self, event: PhoneEvent) -> None:
        """The phone's own news."""
        if event.kind is EventKind.STEP_STARTED:
            self._on_line(event.at_ms, "caller", self._texts.get(event.detail, event.detail))
        elif event.kind is EventKind.CLEAR:
            self._on_line(event.at_ms, "barge-in", "the bot falls silent")
        elif event.kind is EventKind.FAULT:
            self._on_line(event.at_ms, "fault", event.detail)
        elif event.kind is EventKind.ENDED:
            self._on_line(event.at_ms, "end", event.detail)

    def record(self, record: Mapping[str, Any]) -> None:
        """What the worker's record holds by now; what was told before is not told again."""
        history: Sequence[Mapping[str, Any]] = record["history"]
        # Entries are taken back when the caller goes on with a turn that seemed to be over.
        del self._told[len(history) :]
        for at, entry in enumerate(history):
            if at == len(self._told):
                self._told.append("")
            # A bot's entry grows sentence by sentence.
            new = str(entry["text"]).removeprefix(self._told[at]).strip()
            self._told[at] = str(entry["text"])
            if new and entry["role"] == "bot":
                self._on_line(entry["start_ms"], "bot", new)
            elif new:
                self._on_line(None, "understood", new)
            if entry["interrupted"] and self._cut != at:
                self._cut = at
                self._on_line(None, "heard", str(entry["heard"]))

    async def follow(self, url: str) -> None:
        """Read the record of the worker's one call again and again, until cancelled."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                await asyncio.sleep(_POLL_S)
                try:
                    response = await client.get(f"{url}/api/calls", params={"limit": 1})
                    calls = response.json()["calls"] if response.is_success else []
                except httpx.HTTPError:
                    continue
                for record in calls:
                    self.record(record)
