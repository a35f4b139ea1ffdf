"""A call by settings alone whose vendor goes down in the middle of it: engines here take over."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.scene import LINES, RECORDINGS
from bot.phone.call import place_call
from bot.phone.clip import load_clip
from bot.phone.steps import HangUp, Play, Step, Wait, WaitForBot
from media.audio import pcm_to_ulaw
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import spoken_script
from tests.vendors.speech.voices import tones

from .dialogs import NOTED
from .running import running_worker

pytestmark = pytest.mark.real_time

KEY = "hush-hush"
_, FRIDAY, TEN, _ = LINES
DAY, TIME = (load_clip(RECORDINGS / line.file) for line in (FRIDAY, TEN))
SCRIPT = spoken_script([(DAY.audio, FRIDAY.text), (TIME.audio, TEN.text)])
GONE = [Fault("refuse")] * 200
APOLOGY, FAREWELL = "Sorry.", "Goodbye."
ANSWERS = [f"You said: {line.text}" for line in (FRIDAY, TEN)]
HEARD_MS = 600
# The bot is silent for a while in its second answer.
ANSWER = (WaitForBot(), WaitForBot())
STEPS: list[Step] = [Wait(200), Play(DAY), WaitForBot(), Play(TIME), *ANSWER, HangUp()]


def tones_ms(*texts: str) -> float:
    return sum(len(tones(text, 8_000)) / 8 for text in texts)


async def test_a_call_goes_on_when_its_vendor_goes_down(redis_url: str, redis_prefix: str) -> None:
    vendor = SonioxStandIn(
        OracleHearing(SCRIPT),
        api_key=KEY,
        # In the first sentence of the second answer.
        tts_faults=[
            Fault("reset", "audio", tones_ms(APOLOGY, FAREWELL, ANSWERS[0], NOTED) + HEARD_MS),
            *GONE,
        ],
    )
    async with (
        vendor,
        running_worker(
            PARLEY_DIALOG="tests.bot.dialogs:Repeater",
            PARLEY_STT_PROVIDER="soniox, pocketsphinx",
            PARLEY_TTS_PROVIDER="soniox, espeak",
            PARLEY_APOLOGY=APOLOGY,
            PARLEY_FAREWELL=FAREWELL,
            PARLEY_VAD="energy",
            PARLEY_POCKETSPHINX_PROCESSES="1",
            SONIOX_API_KEY=KEY,
            SONIOX_STT_URL=vendor.stt_url,
            SONIOX_TTS_URL=vendor.tts_url,
            REDIS_URL=redis_url,
            PARLEY_REDIS_PREFIX=redis_prefix,
        ) as running,
    ):
        tried = len(vendor.stt)
        # In a word of the second thing that the caller says.
        vendor.misbehave(Fault("reset", "word", 200 + len(DAY.audio) / 8 + 1_000), *GONE)
        result = await place_call(running.phone, STEPS)
        log = running.log.read_text("utf-8")
    assert not result.failed
    assert result.record is not None
    record: dict[str, Any] = dict(result.record)
    said = [entry["text"] for entry in record["history"]]
    assert said == [FRIDAY.text, f"{ANSWERS[0]} {NOTED}", TEN.text, f"{ANSWERS[1]} {NOTED}"]
    first, second = (entry["heard"] for entry in record["history"][1::2])
    assert first == f"{ANSWERS[0]} {NOTED}"
    # A word or two of the sentence that broke off; it was not begun again.
    assert second.startswith("You")
    assert second.endswith(NOTED)
    assert len(second) < len(f"{ANSWERS[1]} {NOTED}")
    _check_record(record)
    # The vendor's voice and ears were used before; it has got audio, and of both sentences.
    assert pcm_to_ulaw(tones(ANSWERS[0], 8_000)) in bytes(result.tape.bot)
    assert vendor.stt[tried].audio_bytes > len(DAY.audio)
    assert KEY not in log


def _check_record(record: dict[str, Any]) -> None:
    used = {kind: record["providers"][kind] for kind in ("stt", "tts")}
    assert used == {"stt": "pocketsphinx", "tts": "espeak"}
    switches = [(each["kind"], each["before"], each["after"]) for each in record["switches"]]
    assert switches == [("stt", "soniox", "pocketsphinx"), ("tts", "soniox", "espeak")]
    assert {each["reason"] for each in record["switches"]} == {"NetworkError"}
    assert record["counters"]["stt_errors"] == record["counters"]["tts_errors"] == 1
    assert record["counters"]["unheard_ms"] == 0
