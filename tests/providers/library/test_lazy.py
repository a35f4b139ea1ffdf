"""Engines that are started when they are needed, once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from providers.errors import DeadlineError, UnavailableError
from providers.library.lazy import START_S, LazyStt, LazyTts
from providers.options import SttOptions, TtsOptions
from tests.bot.engines import Recognizer, Tones
from tests.virtual_time import virtual_time


@dataclass
class SlowRecognizer(Recognizer):
    """Takes its time to start, or fails."""

    starts: int = 0
    takes_s: float = 1.0
    broken: bool = False

    async def start(self) -> None:
        self.starts += 1
        await asyncio.sleep(self.takes_s)
        if self.broken:
            raise UnavailableError(self.name, "no")


@dataclass
class SlowTones(Tones):
    starts: int = 0

    async def start(self) -> None:
        self.starts += 1


async def hear(stt: LazyStt) -> None:
    async with stt.stream(SttOptions()):
        pass


@virtual_time
async def test_the_first_streams_start_it_once() -> None:
    engine = SlowRecognizer(capacity=3)
    stt = LazyStt(engine)
    assert (stt.name, stt.capacity, stt.capabilities) == ("recognizer", 3, engine.capabilities)
    await asyncio.gather(hear(stt), hear(stt))
    await hear(stt)
    assert (engine.starts, len(engine.streams)) == (1, 3)
    await stt.aclose()
    await stt.start()
    await hear(stt)
    assert [engine.starts] == [2]


@virtual_time
async def test_a_start_that_failed_is_tried_again() -> None:
    engine = SlowRecognizer(broken=True)
    stt = LazyStt(engine)
    with pytest.raises(UnavailableError):
        await hear(stt)
    engine.broken = False
    await hear(stt)
    assert engine.starts == 2


@virtual_time
async def test_a_start_has_a_deadline() -> None:
    with pytest.raises(DeadlineError, match="has not started within 60 s"):
        await hear(LazyStt(SlowRecognizer(takes_s=START_S + 1)))


@virtual_time
async def test_texts_and_voices_start_a_synthesizer() -> None:
    engine = SlowTones()
    tts = LazyTts(engine)
    assert (tts.name, tts.format, tts.reached) == ("tones", engine.format, True)
    assert tts.capabilities == engine.capabilities
    assert await tts.voices() == []
    assert engine.starts == 1
    assert [len(chunk.audio) async for chunk in tts.synthesize("word", TtsOptions())] == [3200]
    assert engine.starts == 1
    await tts.aclose()
    await tts.start()
    assert [engine.starts] == [2]
