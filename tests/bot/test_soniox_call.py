"""Calls on Soniox alone, both ways, by settings: a real worker process, the phone, a stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest

from bot.demo.worker import WorkerFailed
from bot.phone.call import place_call
from bot.phone.clip import Clip
from bot.phone.result import CallResult
from bot.phone.steps import HangUp, Play, Wait, WaitForBot
from media.audio import ULAW_8K, pcm_to_ulaw
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.voices import tones

from .commands import Run, run
from .dialogs import AGREED
from .running import Running, running_worker

__all__ = ["run"]

pytestmark = pytest.mark.real_time

KEY = "hush-hush"
SCRIPT = computed_script(["Good morning to you."], pause_ms=300)
IN_MID_WORD = Fault("reset", "word", 700)


@asynccontextmanager
async def worker_on(vendor: SonioxStandIn, redis_url: str, prefix: str) -> AsyncIterator[Running]:
    """A worker with nothing but the settings of somebody who has a key."""
    settings = {
        "PARLEY_DIALOG": "tests.bot.dialogs:agree",
        "PARLEY_STT_PROVIDER": "soniox",
        "PARLEY_TTS_PROVIDER": "soniox",
        "PARLEY_VAD": "energy",
        "SONIOX_API_KEY": KEY,
        "SONIOX_STT_URL": vendor.stt_url,
        "SONIOX_TTS_URL": vendor.tts_url,
        "REDIS_URL": redis_url,
        "PARLEY_REDIS_PREFIX": prefix,
    }
    async with running_worker(**settings) as running:
        yield running


async def talk(running: Running) -> CallResult:
    said = Play(Clip("script", SCRIPT.audio))
    return await place_call(running.phone, [Wait(200), said, WaitForBot(), HangUp()])


async def test_a_call_goes_on_while_the_recognizer_is_lost_in_mid_word(
    redis_url: str, redis_prefix: str
) -> None:
    async with (
        SonioxStandIn(OracleHearing(SCRIPT), api_key=KEY) as vendor,
        worker_on(vendor, redis_url, redis_prefix) as running,
    ):
        tried = len(vendor.stt)
        vendor.misbehave(IN_MID_WORD)
        result = await talk(running)
        log = running.log.read_text("utf-8")
    assert not result.failed
    assert result.record is not None
    record: dict[str, Any] = dict(result.record)
    assert (record["providers"]["stt"], record["providers"]["tts"]) == ("soniox", "soniox")
    assert [entry["text"] for entry in record["history"]] == [SCRIPT.text, AGREED]
    assert record["history"][1]["heard"] == AGREED
    spoken, heard = record["usage"]["tts:soniox"], record["usage"]["stt:soniox"]
    assert spoken == {"amount": len(AGREED)}
    assert heard["amount"] >= ULAW_8K.duration_ms(len(SCRIPT.audio))
    assert heard["usd"] == pytest.approx(heard["amount"] / 60_000 * 0.002)
    # The vendor's voice, to the byte.
    assert pcm_to_ulaw(tones(AGREED, 8_000)) in bytes(result.tape.bot)
    # The loss was one, in a word that was not over, and the next connection took over.
    lost, taken_over = vendor.stt[tried:]
    assert lost.fault is IN_MID_WORD
    assert lost.close_code is None
    assert lost.audio_bytes < len(SCRIPT.audio) < lost.audio_bytes + taken_over.audio_bytes
    assert all(record.key == "right" for record in (*vendor.stt, *vendor.tts))
    assert not [secret for secret in (KEY, SCRIPT.text, AGREED) if secret in log]


@pytest.mark.parametrize("shown", ["upgrade", "message"])
async def test_no_worker_starts_with_a_key_that_is_refused(
    redis_url: str, redis_prefix: str, shown: Literal["upgrade", "message"]
) -> None:
    async with SonioxStandIn(OracleHearing(SCRIPT), api_key="other", wrong_key=shown) as vendor:
        with pytest.raises(WorkerFailed, match=r"(?s)status 1:.*check SONIOX_API_KEY") as failed:
            async with worker_on(vendor, redis_url, redis_prefix):
                pass
    assert KEY not in str(failed.value)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("SONIOX_API_KEY", ""),
        ("SONIOX_API_KEY", "hush hush"),
        ("SONIOX_REGION", "mars"),
        ("SONIOX_STT_URL", "ws://vendor.example/stt"),
        ("SONIOX_TTS_URL", "wss://vendor.example"),
    ],
)
def test_no_worker_starts_with_a_setting_that_is_wrong(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    redis_url: str,
    name: str,
    held: str,
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PARLEY_STT_PROVIDER", "soniox")
    monkeypatch.setenv("SONIOX_API_KEY", KEY)
    monkeypatch.setenv(name, held)
    ran = run("serve", "--dev", "--port", "0")
    assert ran.code == 2
    assert name in ran.err
    assert "hush" not in ran.err
