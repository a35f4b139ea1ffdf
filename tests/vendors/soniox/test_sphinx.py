"""Real speech, heard by PocketSphinx."""

from __future__ import annotations

import pytest
import pytest_asyncio

pytest.importorskip("pocketsphinx")

from collections.abc import AsyncIterator

from bot.demo.scene import LINES, RECORDINGS
from media.audio import ULAW_8K, AudioFormat, Encoding, pcm_to_bytes, ulaw_to_pcm
from media.resample import resample, upsample
from tests.background import until
from tests.vendors.speech.hearing import Listening, transcribe
from tests.vendors.speech.sphinx import PHRASES, SphinxHearing

from .standin import SonioxStandIn
from .stt_config import SttConfig
from .talking import CONFIG, FINALIZE, talking, text_of, tokens_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def listening() -> AsyncIterator[SonioxStandIn]:
    async with SonioxStandIn(SphinxHearing(processes=1)) as standin:
        yield standin


async def test_what_a_caller_says_is_understood(listening: SonioxStandIn) -> None:
    pause = ULAW_8K.silence(600)
    friday, yes = ((RECORDINGS / line.file).read_bytes() for line in (LINES[1], LINES[3]))
    async with talking(listening.stt_url, CONFIG, pause, friday, pause, yes, pause, "") as talk:
        messages = await talk.rest()
    assert text_of(messages) == "On Friday.<end> Yes, please.<end>"
    tokens = [token for token in tokens_of(messages) if "start_ms" in token]
    times = [token["start_ms"] for token in tokens]
    assert times == sorted(times)
    begin_ms = ULAW_8K.duration_ms(len(pause + friday + pause))
    assert begin_ms < times[-1] < tokens[-1]["end_ms"] < begin_ms + ULAW_8K.duration_ms(len(yes))


async def test_it_hears_while_one_speaks(listening: SonioxStandIn) -> None:
    recognizer = await listening.hearing.listen(SttConfig(**CONFIG).listening)
    try:
        await recognizer.hear((RECORDINGS / LINES[3].file).read_bytes()[:10_000])
        assert recognizer.in_word
        await until(lambda: recognizer.take().interim)
    finally:
        await recognizer.aclose()


async def test_an_utterance_can_be_ended(listening: SonioxStandIn) -> None:
    line = ulaw_to_pcm((RECORDINGS / LINES[1].file).read_bytes() + ULAW_8K.silence(100))
    wide = pcm_to_bytes(upsample(line))
    config = {**CONFIG, "audio_format": "pcm_s16le", "sample_rate": 16_000}
    config["enable_endpoint_detection"] = False
    # A frame may end in the middle of a sample.
    async with talking(listening.stt_url, config, wide[:10_001], wide[10_001:], FINALIZE) as talk:
        messages = [await talk.hear()]
        while "<fin>" not in text_of(messages):
            messages.append(await talk.hear())
        assert text_of(messages) == "On Friday.<fin>"
        async with talking(listening.stt_url, config) as other:
            (error,) = await other.rest()
        assert (error["error_code"], error["error_type"]) == (429, "limit_exceeded")
    async with talking(listening.stt_url, {**config, "audio_format": "pcm_f32le"}) as talk:
        (error,) = await talk.rest()
    assert error["error_code"] == 400


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000])
async def test_a_file_is_understood_at_once(listening: SonioxStandIn, rate_hz: int) -> None:
    friday = ulaw_to_pcm((RECORDINGS / LINES[1].file).read_bytes())
    audio = pcm_to_bytes(resample(friday, 8_000, rate_hz))
    told = AudioFormat(Encoding.PCM16, rate_hz)
    tokens = await transcribe(listening.hearing, audio, Listening(told, whole_words=True))
    assert [token.text for token in tokens] == ["On", " Friday."]
    # What is said to be another encoding is noise.
    noise = await transcribe(listening.hearing, audio, Listening(ULAW_8K, whole_words=True))
    assert [token.text for token in noise] != ["On", " Friday."]


async def test_there_is_a_choice() -> None:
    assert len(set(PHRASES)) >= 10
    assert {line.text for line in LINES} <= set(PHRASES)
