from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from providers.errors import (
    CapacityError,
    DeadlineError,
    NetworkError,
    ProviderError,
    UnsupportedError,
)
from providers.fallback import Candidate
from providers.health import REST_S
from providers.probing import Prober
from providers.types import SttProvider, TtsProvider
from tests.bot.engines import Recognizer, Tones
from tests.virtual_time import virtual_time

LOST = NetworkError("engine", "lost")


@asynccontextmanager
async def probing(
    stt: Recognizer | None = None, tts: Tones | None = None
) -> AsyncIterator[Candidate[SttProvider] | Candidate[TtsProvider]]:
    recognizers = [Candidate[SttProvider]("stt", stt)] if stt is not None else []
    synthesizers = [Candidate[TtsProvider]("tts", tts)] if tts is not None else []
    task = asyncio.create_task(Prober(recognizers, synthesizers).run())
    yield [*recognizers, *synthesizers][0]  # type: ignore[misc]
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_a_recognizer_that_rests_is_probed_until_it_is_well() -> None:
    stt = Recognizer(failures=[LOST])
    async with probing(stt) as candidate:
        await asyncio.sleep(100)
        assert stt.streams == []  # nobody that is well is probed
        candidate.failed(LOST)
        await asyncio.sleep(REST_S[0] - 0.1)
        assert len(stt.failures) == 1
        await asyncio.sleep(1.2)
        assert stt.failures == []
        assert not candidate.health.well
        await asyncio.sleep(REST_S[1] + 1)
        assert candidate.health.well
        assert len(stt.streams) == 1
        assert not stt.open


@virtual_time
async def test_a_synthesizer_that_rests_is_probed_by_a_word() -> None:
    tts = Tones(fail={"Hi.": (0, LOST)})
    async with probing(tts=tts) as candidate:
        candidate.failed(LOST)
        await asyncio.sleep(REST_S[0] + 1)
        assert not candidate.health.well
        tts.fail = {}
        await asyncio.sleep(REST_S[1] + 1)
        assert candidate.health.well
        assert tts.texts == ["Hi.", "Hi."]
        assert not tts.running


@virtual_time
async def test_a_synthesizer_that_gives_nothing_is_not_well() -> None:
    async with probing(tts=Tones(pace_s=3_600)) as candidate:
        candidate.failed(LOST)
        await asyncio.sleep(REST_S[0] + 12)
        assert not candidate.health.well
        assert str(candidate.health.error).startswith("tones: no audio within 10 s; ")


@virtual_time
async def test_a_recognizer_whose_engines_are_all_taken_is_well() -> None:
    async with probing(Recognizer(failures=[CapacityError("engine", "taken")])) as candidate:
        candidate.failed(LOST)
        await asyncio.sleep(REST_S[0] + 1)
        assert candidate.health.well


class _Startable(Recognizer):
    """Cannot be started at first."""

    starts = 0

    async def start(self) -> None:
        self.starts += 1
        if self.starts == 1:
            raise UnsupportedError("engine", "no such model", retryable=True)


@virtual_time
async def test_what_could_not_be_started_is_started_again() -> None:
    stt = _Startable()
    async with probing(stt) as candidate:
        candidate.started = False
        candidate.fell_ill(LOST)
        await asyncio.sleep(REST_S[0] + 1)
        assert (stt.starts, candidate.started, candidate.health.well) == (1, False, False)
        await asyncio.sleep(REST_S[1] + 1)
        assert (stt.starts, candidate.started, candidate.health.well) == (2, True, True)


@pytest.mark.parametrize("error", [LOST, UnsupportedError("engine", "no such model")])
def test_whatever_goes_wrong_with_a_probe_is_the_providers_fault(error: ProviderError) -> None:
    @virtual_time
    async def probe() -> None:
        async with probing(Recognizer(failures=[error])) as candidate:
            candidate.failed(LOST)
            await asyncio.sleep(REST_S[0] + 1)
            assert candidate.health.error is error

    probe()


class _Hanging(Recognizer):
    """Never starts."""

    async def start(self) -> None:
        await asyncio.Event().wait()


@virtual_time
async def test_no_probe_waits_for_another_and_none_for_ever() -> None:
    hanging = Candidate[SttProvider]("hanging", _Hanging(), started=False)
    other = Candidate[SttProvider]("other", Recognizer())
    task = asyncio.create_task(Prober([hanging, other]).run())
    hanging.fell_ill(LOST)
    await asyncio.sleep(REST_S[0] + 10)
    other.fell_ill(LOST)
    await asyncio.sleep(REST_S[0] + 1.1)
    assert other.health.well
    await asyncio.sleep(50)
    assert isinstance(hanging.health.error, DeadlineError)
    task.cancel()
    await asyncio.wait([task])


class _Faulty(Recognizer):
    """Has a fault."""

    async def start(self) -> None:
        raise ValueError("it is broken")


@virtual_time
async def test_a_fault_of_one_ends_no_probing() -> None:
    stt = _Faulty()
    async with probing(stt) as candidate:
        candidate.started = False
        candidate.fell_ill(LOST)
        with capture_logs() as logs:
            await asyncio.sleep(REST_S[0] + 1)
        assert str(candidate.health.error).startswith("stt: a probe failed: ValueError;")
        [fault] = [entry for entry in logs if entry["log_level"] == "error"]
        assert isinstance(fault["exc_info"], ValueError)
        candidate.started = True
        await asyncio.sleep(REST_S[1] + 1)
        assert candidate.health.well
