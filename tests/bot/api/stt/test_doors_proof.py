"""A little of `python -m tests.bot.api.stt.doors_proof`: the clients that need nothing installed,
and every cut by every door, at a whole worker."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media.audio import PCM16_16K
from tests.providers.library.cutting import CUTS
from tests.vendors.soniox.limits import Limits
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .cuts import DOORS
from .example_clients import find_node, run_node, run_python
from .fuzz import KEY, worker_here

SCRIPT = computed_script(("Good morning.", "Bye."), pause_ms=800)


@pytest.fixture
async def url(own_logging: None) -> AsyncIterator[str]:
    limits = Limits(stt_at_once=100, starts_per_min=1_000)
    vendor = SonioxStandIn(OracleHearing(SCRIPT), api_key=KEY, limits=limits, keep=False)
    async with (
        vendor,
        worker_here(
            stt_provider="soniox",
            tts_provider="soniox",
            soniox_api_key=KEY,
            soniox_stt_url=vendor.stt_url,
            soniox_tts_url=vendor.tts_url,
            vad="energy",
            stt_end_s=0.5,
        ) as here,
    ):
        yield f"http://{here.url}"


def wav(folder: Path, script: Script) -> Path:
    path = folder / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(script.audio_in(PCM16_16K))
    return path


async def test_every_door_gives_the_same_text_however_audio_is_cut(
    url: str, tmp_path: Path
) -> None:
    recording, audio = wav(tmp_path, SCRIPT), SCRIPT.audio_in(PCM16_16K)
    clients = [run_python(name, recording, url, []) for name in ("client", "chunks", "asr")]
    if find_node() is not None:
        clients.append(run_node("chunks", recording, url, []))
    hearings = [
        _joined(door, url, list(cut_up(audio, PCM16_16K)))
        for door in DOORS
        for cut, cut_up in CUTS.items()
        # asyncio's own loop, unlike a worker's, answers each request 40 ms late.
        if (door, cut) != ("/stt/stream-chunk", "20 ms")
    ]
    said = await asyncio.gather(*clients, *hearings)
    assert set(said) == {SCRIPT.text}


async def _joined(door: str, url: str, pieces: list[bytes]) -> str:
    return " ".join(await DOORS[door](url, pieces, {}))
