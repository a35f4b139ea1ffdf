"""Providers looked at by a small real request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from structlog.testing import capture_logs

from media.audio import PCM16_16K, AudioFormat
from media.files import read_wav
from providers.config import read_config
from providers.errors import DeadlineError, QuotaError
from providers.fallback import Candidate
from providers.library.checkup import DEADLINE_S, Checkup, check
from providers.library.chosen import Chosen
from providers.options import TtsOptions
from providers.types import FileRecognizer, SttProvider, SynthesisChunk, TtsProvider
from tests.bot.engines import Recognizer, Tones
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.virtual_time import virtual_time, virtual_time_on_sockets

from .hearing import SCRIPT, OracleDoor

LATER = DeadlineError.default_hint


class Given(Chosen):
    """Has these providers, whatever their names are."""

    def __init__(
        self,
        stt: SttProvider | None = None,
        tts: TtsProvider | None = None,
        files: FileRecognizer | None = None,
    ) -> None:
        super().__init__(read_config({}, env={}))
        self.given_stt, self.given_tts, self.given_files = stt, tts, files

    def recognizer(self, name: str) -> Candidate[SttProvider]:
        assert self.given_stt is not None
        return Candidate(name, self.given_stt)

    def synthesizer(self, name: str) -> Candidate[TtsProvider]:
        assert self.given_tts is not None
        return Candidate(name, self.given_tts)

    def door(self, name: str) -> Candidate[FileRecognizer] | None:
        return None if self.given_files is None else Candidate(name, self.given_files)


@pytest.mark.parametrize("key", ["stand-in-key", "another"])
@virtual_time_on_sockets
async def test_a_wrong_key_is_found_out(key: str) -> None:
    async with SonioxStandIn(OracleHearing(SCRIPT)) as standin:
        account: dict[str, Any] = {"stt_url": standin.stt_url, "tts_url": standin.tts_url}
        config = {"soniox": {"api_key": key, **account}}
        chosen = Chosen(read_config(config, env={}), stt=("soniox",), tts=("soniox",))
        with capture_logs():
            found = await check(chosen, chosen.in_use())
        candidates = (chosen.recognizer("soniox"), chosen.synthesizer("soniox"))
        await chosen.aclose()
    assert [(one.kind, one.provider) for one in found] == [("stt", "soniox"), ("tts", "soniox")]
    if key == "stand-in-key":
        assert all(one.healthy and one.latency_ms and not one.error for one in found)
        assert all(candidate.health.well for candidate in candidates)
    else:
        assert not any(one.healthy for one in found)
        assert all("key" in one.error and "SONIOX_API_KEY" in one.hint for one in found)
        # The next one to be asked is another one, if there is any.
        assert not any(candidate.health.well for candidate in candidates)
    assert key not in str(found)


@virtual_time
async def test_what_is_found_tells_latency_or_error() -> None:
    broken = OracleDoor(failures=[QuotaError("door", "no credit is left", code="402")])
    chosen = Given(Recognizer(opening_s=0.2), Tones(pace_s=0.3), broken)
    found = await check(chosen, [("stt", "recognizer"), ("tts", "tones"), ("files", "door")])
    assert [one.latency_ms for one in found[:2]] == pytest.approx([200, 300], abs=1)
    assert all(one.healthy and not one.error for one in found[:2])
    assert found[2] == Checkup(
        "files", "door", False, error="no credit is left (402)", hint=QuotaError.default_hint
    )


@pytest.mark.parametrize("raw", [(), (PCM16_16K,)])
@virtual_time
async def test_a_door_hears_a_second_of_silence(raw: tuple[AudioFormat, ...]) -> None:
    door = OracleDoor(raw=raw, containers=() if raw else ("wav",))
    (found,) = await check(Given(files=door), [("files", "door")])
    assert found.healthy
    (audio,) = door.taken
    data = audio.data if raw else read_wav(audio.data).samples.tobytes()
    assert data == bytes(32_000)


@virtual_time
async def test_who_does_not_answer_is_not_well() -> None:
    found = await check(Given(stt=Recognizer(opening_s=DEADLINE_S + 1)), [("stt", "recognizer")])
    assert found == [Checkup("stt", "recognizer", False, error="no answer within 10 s", hint=LATER)]

    class Sleepy(Tones):
        async def start(self) -> None:
            await asyncio.sleep(DEADLINE_S + 1)

    found = await check(Given(tts=Sleepy()), [("tts", "tones")])
    assert found == [Checkup("tts", "tones", False, error="no answer within 20 s", hint=LATER)]


@virtual_time
async def test_no_audio_is_no_answer() -> None:
    class Mute(Tones):
        async def synthesize(
            self, text: str, options: TtsOptions
        ) -> AsyncGenerator[SynthesisChunk, None]:
            yield SynthesisChunk(b"")

    (found,) = await check(Given(tts=Mute()), [("tts", "tones")])
    assert found.error == "a text was answered without audio"
