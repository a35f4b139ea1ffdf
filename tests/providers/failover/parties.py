"""Who may take part: recognizers that have a stand-in, and those of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from media.audio import PCM16_16K
from providers.catalog import STT, build_stt
from providers.facts import Facts
from providers.fallback import Candidate
from providers.metered import MeteredStt
from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttProvider
from providers.usage import Account, Meter
from tests.providers.conformance.reach import access_to, remote
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.script import Script
from tests.vendors.speech.standin import StandIn

__all__ = ["ENGINE", "Party", "names", "party", "really_listens"]

ENGINE = "pocketsphinx"


class Party(Protocol):
    """A recognizer that can be killed."""

    @property
    def candidate(self) -> Candidate[SttProvider]: ...

    @property
    def audio_bytes(self) -> int:
        """How much audio it got."""

    async def fall(self) -> None:
        """Be gone, as a machine that has lost its power, or a process that was killed."""

    async def rise(self) -> None:
        """Be there again."""


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A recognizer with a stand-in."""

    candidate: Candidate[SttProvider]
    standin: StandIn
    service: str

    @property
    def audio_bytes(self) -> int:
        """By the stand-in's own log."""
        return sum(record.audio_bytes for record in self.standin.records[self.service])

    async def fall(self) -> None:
        await self.standin.vanish()

    async def rise(self) -> None:
        await self.standin.listen()


@dataclass(frozen=True, slots=True)
class _Engine:
    """PocketSphinx, whose processes are killed."""

    candidate: Candidate[SttProvider]
    engine: PocketSphinx
    meter: Meter

    @property
    def audio_bytes(self) -> int:
        """By a meter, for it keeps no log."""
        return PCM16_16K.byte_count(sum(use.amount for use in self.meter.uses()))

    async def fall(self) -> None:
        for pid in self.engine.pids:
            os.kill(pid, signal.SIGKILL)

    async def rise(self) -> None:
        """It does so by itself."""


def names() -> list[str]:
    """The recognizers that have a stand-in."""
    return sorted(remote(STT))


def really_listens(pair: tuple[str, str]) -> bool:
    """Whether one of them has no stand-in, so that it needs real speech, and real time."""
    return ENGINE in pair


@asynccontextmanager
async def party(name: str, number: int, script: Script) -> AsyncIterator[Party]:
    """A recognizer of that name, started; `number` tells two of one name apart."""
    if name == ENGINE:
        engine, meter = PocketSphinx(processes=1), Meter()
        metered = MeteredStt(engine, Account(meter), Facts())
        async with _started(metered):
            yield _Engine(Candidate(f"{name}-{number}", metered), engine, meter)
        return
    access = access_to(name)
    async with access.standin(OracleHearing(script)) as standin:
        provider = build_stt(name, **access.settings(standin))
        async with _started(provider):
            yield _Vendor(Candidate(f"{name}-{number}", provider), standin, access.stt[name])


@asynccontextmanager
async def _started(provider: SttProvider) -> AsyncIterator[None]:
    try:
        await provider.start()
        yield
    finally:
        await provider.aclose()
