"""Who may take part: every recognizer of the catalogue that has a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import tests.vendors
from providers.catalog import build_stt
from providers.fallback import Candidate
from providers.types import SttProvider
from tests.vendors.speech.access import Access
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.standin import StandIn

__all__ = ["Party", "names", "party"]


@dataclass(frozen=True, slots=True)
class Party:
    """A recognizer, and the stand-in that it talks to."""

    candidate: Candidate[SttProvider]
    standin: StandIn
    service: str

    @property
    def audio_bytes(self) -> int:
        """How much audio it got, by the stand-in's own log."""
        return sum(record.audio_bytes for record in self.standin.records[self.service])

    async def fall(self) -> None:
        """Be gone, as a machine that has lost its power."""
        await self.standin.vanish()

    async def rise(self) -> None:
        """Be there again."""
        await self.standin.listen()


@cache
def _accesses() -> dict[str, Access]:
    """By the recognizer's name, the way to its stand-in."""
    found: dict[str, Access] = {}
    for path in sorted(Path(tests.vendors.__file__).parent.glob("*/access.py")):
        module = import_module(f"tests.vendors.{path.parent.name}.access")
        access = getattr(module, "ACCESS", None)
        if isinstance(access, Access):
            found |= dict.fromkeys(access.stt, access)
    return found


def names() -> list[str]:
    """The recognizers that may take part."""
    return sorted(_accesses())


@asynccontextmanager
async def party(name: str, number: int, script: Script) -> AsyncIterator[Party]:
    """A recognizer of that name, started; `number` tells two of one name apart."""
    access = _accesses()[name]
    async with access.standin(OracleHearing(script)) as standin:
        provider = build_stt(name, **access.settings(standin))
        try:
            await provider.start()
            yield Party(Candidate(f"{name}-{number}", provider), standin, access.stt[name])
        finally:
            await provider.aclose()
