"""Calls with every provider of the catalogue, by settings alone: a real worker process, the phone.

Every recognizer is tried with one synthesizer, and every synthesizer with one recognizer, each at a
number of its own. The vendors have stand-ins, which know what the caller says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.scene import LINES, RECORDINGS
from bot.phone.call import place_call
from bot.phone.clip import Clip
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Wait, WaitForBot
from media.audio import ULAW_8K, pcm_to_ulaw
from providers.catalog import STT, TTS, account_of, class_of
from tests.providers.conformance.reach import LOCAL, access_to, remote
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import spoken_script
from tests.vendors.speech.standin import StandIn
from tests.vendors.speech.voices import tones

from .dialogs import AGREED
from .running import Running, running_worker

pytest.importorskip("faster_whisper")
from tests.providers.stt.whisper_model import make_model

pytestmark = pytest.mark.real_time

YES = LINES[3]
SCRIPT = spoken_script([((RECORDINGS / YES.file).read_bytes(), YES.text)], pause_ms=300)
THE_STT, THE_TTS = "soniox", "soniox"
"""Those with which the others are tried."""
PAIRS = [*((stt, THE_TTS) for stt in STT), *((THE_STT, tts) for tts in TTS if tts != THE_TTS)]
NUMBERS = {pair: f"+1555000{at:04}" for at, pair in enumerate(PAIRS, 1)}
AT_ONCE = 14

Pair = tuple[str, str]


def settings_file(folder: Path) -> Path:
    """A number for each pair."""
    path = folder / "parley.toml"
    tables = [
        f'[numbers."{number}"]\nstt_provider = "{stt}"\ntts_provider = "{tts}"\n'
        for (stt, tts), number in NUMBERS.items()
    ]
    path.write_text("\n".join(tables), "utf-8")
    return path


@asynccontextmanager
async def vendors() -> AsyncIterator[dict[str, StandIn]]:
    """A stand-in for each account."""
    async with AsyncExitStack() as stack:
        yield {
            account: await stack.enter_async_context(
                access_to(account).standin(OracleHearing(SCRIPT))
            )
            for account in sorted({account_of(name) for name in [*remote(STT), *remote(TTS)]})
        }


def variables(standins: Mapping[str, StandIn], folder: Path) -> dict[str, str]:
    """The environment of somebody who has a key of each vendor."""
    accounts = {
        f"{account}_{key}".upper(): str(value)
        for account, standin in standins.items()
        for key, value in access_to(account).settings(standin).items()
    }
    return accounts | {
        "WHISPER_MODEL": str(make_model(folder / "whisper")),
        "WHISPER_DEVICE": "cpu",
        "WHISPER_PROCESSES": "1",
        "PARLEY_POCKETSPHINX_PROCESSES": "1",
        "PARLEY_DIALOG": "tests.bot.dialogs:agree",
        "PARLEY_VAD": "energy",
        "PARLEY_CONFIG": str(settings_file(folder)),
    }


async def talk(running: Running, number: str) -> CallResult:
    """Say yes, and hear what comes of it."""
    said = Play(Clip("yes", SCRIPT.audio))
    phone = replace(running.phone, to_number=number)
    return await place_call(phone, [Wait(200), said, WaitForBot(), HangUp()])


async def make_calls(folder: Path) -> dict[Pair, CallResult]:
    """A call to each number, some at a time."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(running: Running, number: str) -> CallResult:
        async with free:
            return await talk(running, number)

    async with vendors() as standins, running_worker(**variables(standins, folder)) as running:
        results = await asyncio.gather(*(one(running, number) for number in NUMBERS.values()))
    assert all(r.key == "right" for s in standins.values() for rs in s.records.values() for r in rs)
    return dict(zip(NUMBERS, results, strict=True))


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[Pair, CallResult]:
    return asyncio.run(make_calls(tmp_path_factory.mktemp("calls")))


@pytest.mark.parametrize(("stt", "tts"), PAIRS)
def test_a_call(stt: str, tts: str, calls: dict[Pair, CallResult]) -> None:
    result = calls[stt, tts]
    assert not result.failed
    assert result.record is not None
    record: dict[str, Any] = dict(result.record)
    assert record["providers"]["stt"] == stt
    assert record["providers"]["tts"] == tts
    caller, reply = record["history"][:2]
    assert (caller["role"], reply["text"], reply["heard"]) == ("caller", AGREED, AGREED)
    # What this machine's recognizers make of it without being told what to expect is their matter.
    assert stt in LOCAL or caller["text"] == YES.text
    # The vendor's voice, to the byte where it speaks as the telephone does.
    if tts not in LOCAL and class_of("tts", tts).format == ULAW_8K:
        assert pcm_to_ulaw(tones(AGREED, 8_000)) in bytes(result.tape.bot)
