"""Recognizers of recordings as streams: which a session gets, and what it hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.recognizers import Recognizers
from bot.engines import Engines
from bot.settings import Settings
from media.audio import PCM16_8K
from providers.catalog import build_stt
from providers.errors import NetworkError
from providers.stt.buffered import BufferedStt
from providers.types import SttProvider
from providers.usage import Account
from tests.bot.engines import Recognizer
from tests.vendors.openai.standin import OpenAiStandIn
from tests.vendors.speech.faults import Fault as Trouble
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import spoken_script
from tests.virtual_time import virtual_time_on_sockets

from .served import serving

SAID = "go forward ten meters"
FRAME = PCM16_8K.byte_count(100)


class Whisper(Recognizer):
    """A recognizer of streams whose engine recordings share."""

    def files(self) -> Any:
        return Files()


class Files:
    """That engine, for recordings."""

    def __init__(self) -> None:
        self.name = "whisper"
        self.capabilities = Recognizer().capabilities
        self.containers = ()
        self.max_bytes, self.max_ms = 1, None

    async def aclose(self) -> None:
        raise AssertionError("it belongs to the recognizer of streams")


def whisper(name: str, **settings: Any) -> SttProvider:
    return Whisper(name=name) if name == "whisper" else build_stt(name, **settings)


@asynccontextmanager
async def recognizers_of(state: Path, **env: str) -> AsyncIterator[Recognizers]:
    env |= {"PARLEY_STATE_DIR": str(state), "PARLEY_STT_PROVIDER": "pocketsphinx"}
    env |= {"PARLEY_TTS_PROVIDER": "espeak"}
    settings = Settings.load(env=env, dev=True)
    engines = Engines(settings.bots(), "Sorry.", "Goodbye.")
    recognizers = Recognizers(settings, engines, Account(), whisper)
    yield recognizers
    await recognizers.aclose()
    await engines.aclose()


async def test_sessions_share_how_well_one_is_and_not_how_it_is_asked(tmp_path: Path) -> None:
    async with recognizers_of(tmp_path, DEEPGRAM_API_KEY="a-key") as recognizers:
        first, second = (
            recognizers.of(SessionRequest(provider=("deepgram-files",), buffer_ms=ms)).candidates[0]
            for ms in (500, 2_000)
        )
        assert (first.name, first.provider.name) == ("deepgram-files", "deepgram-files")
        assert isinstance(first.provider, BufferedStt)
        assert first.provider is not second.provider
        assert recognizers.states() == {"deepgram-files": "well"}
        first.failed(NetworkError("deepgram", "gone"))
        first.failed(NetworkError("deepgram", "gone"))
        assert not second.health.well
        assert recognizers.states() == {"deepgram-files": "NetworkError"}
        await recognizers.aclose()
        assert recognizers.states() == {}


async def test_an_engine_that_streams_use_is_there_once(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    async with recognizers_of(tmp_path, WHISPER_MODEL="tiny") as recognizers:
        asked = SessionRequest(provider=("whisper-files", "whisper"), language="fr-FR")
        fallback = recognizers.of(asked)
        assert [one.name for one in fallback.candidates] == ["whisper-files", "whisper"]
        assert fallback.candidates[0].provider.capabilities.languages == ("en-US", "fr-FR")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("elevenlabs-files",), "provider_not_configured"),
        (("whisper-files",), "provider_not_configured"),
        (("soniox-files",), "unknown_provider"),
    ],
)
async def test_what_cannot_be_had(asked: tuple[str, ...], code: str, tmp_path: Path) -> None:
    async with recognizers_of(tmp_path) as recognizers:
        with pytest.raises(Fault) as refused:
            recognizers.of(SessionRequest(provider=asked))
        assert refused.value.code == code
        assert {"pocketsphinx", "auto"} <= set(refused.value.allowed)
        assert asked[0] not in refused.value.allowed


@pytest.mark.parametrize("model", ["whisper-1", "gpt-transcribe"])
@virtual_time_on_sockets
async def test_a_server_that_knows_no_streams_is_streamed_to(
    model: str, recordings: Path, tmp_path: Path
) -> None:
    audio = (recordings / "go_forward_ten_meters.ulaw").read_bytes()
    script = spoken_script([(audio, SAID)])
    faults = {"files": [Trouble("busy")]} if model == "whisper-1" else None
    async with OpenAiStandIn(OracleHearing(script), api_key=None, faults=faults) as standin:
        env = {"OPENAI_BASE_URL": standin.api_url, "OPENAI_FILES_MODEL": model}
        query = "provider=openai-files&sample_rate=8000&buffer_ms=800&overlap_ms=390"
        async with (
            recognizers_of(tmp_path, **env) as recognizers,
            serving(recognizers=recognizers) as service,
            service.client(query) as client,
        ):
            assert (await client.hear())["provider"] == "openai-files"
            samples = script.audio_in(PCM16_8K)
            for at in range(0, len(samples), FRAME):
                await client.send(samples[at : at + FRAME])
                await asyncio.sleep(0.1)
            await client.say("close")
            told = [await client.hear("transcription")]
            while not told[-1]["is_final"]:
                told.append(await client.hear("transcription"))
            assert told[-1]["text"] == SAID
            assert len(told) > 1
            assert SAID.startswith(told[0]["text"])
            if model == "whisper-1":
                times = [(word["start_ms"], word["end_ms"]) for word in told[-1]["words"]]
                assert times == [
                    pytest.approx((word.start_ms, word.end_ms), abs=40) for word in script.words
                ]
            assert (await client.hear())["text"] == SAID
        records = standin.records["files"]
        assert len(records) >= 3
