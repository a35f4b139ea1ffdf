"""Real speech is understood by every recognizer, and every synthesizer's by a real one.

The stand-ins listen with PocketSphinx, which chooses among ten phrases, and speak with eSpeak. What
is not what it is said to be must not be understood.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from media.audio import AudioFormat, Encoding, Samples, encode, ulaw_to_pcm
from media.resample import resample
from providers.catalog import FILES, STT, TTS, account_of, build_file_stt, build_stt, build_tts
from providers.results import AudioData
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider
from tests.vendors.speech.hearing import Hearing, Listening, Recognizer, transcribe
from tests.vendors.speech.sphinx import SphinxHearing
from tests.vendors.speech.voices import EspeakVoice

from .caller import call, telephone_format, words_of
from .reach import reached, remote

pytest.importorskip("pocketsphinx")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

RECORDED = {"card_ten_of_clubs": "ten of clubs", "prompt_vm-goodbye": "goodbye"}
"""Recordings, and what is said in them."""
TEN, GOODBYE = RECORDED
SPOKEN = "what are your opening hours"
"""What the voices are to say."""
PHRASES = (
    *RECORDED.values(),
    SPOKEN,
    "eight of spades four of clubs seven of hearts",
    "go forward ten meters",
    "go somewhere and do something",
    "two of diamonds",
    "queen of hearts",
    "turn left",
    "stop now",
)
PAUSE_MS = 600

Spoil = Callable[[Path, str, AudioFormat], bytes]


class Ears:
    """One PocketSphinx for all stand-ins, one after the other."""

    def __init__(self, hearing: SphinxHearing) -> None:
        self._hearing = hearing

    async def start(self) -> None:
        return

    async def listen(self, listening: Listening) -> Recognizer:
        return await self._hearing.listen(listening)

    async def aclose(self) -> None:
        return


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears() -> AsyncIterator[Hearing]:
    hearing = SphinxHearing(PHRASES, processes=1)
    await hearing.start()
    yield Ears(hearing)
    await hearing.aclose()


def recorded(recordings: Path, name: str, rate_hz: int) -> Samples:
    """A recording at another rate than its 8 kHz."""
    samples = ulaw_to_pcm((recordings / f"{name}.ulaw").read_bytes())
    return resample(samples, 8_000, rate_hz)


def as_it_is(recordings: Path, name: str, audio_format: AudioFormat) -> bytes:
    """A recording in the format that it is said to have."""
    samples = recorded(recordings, name, audio_format.sample_rate_hz)
    return encode(samples, audio_format.encoding)


def in_another_codec(recordings: Path, name: str, audio_format: AudioFormat) -> bytes:
    """Linear samples where µ-law is expected, and the other way round."""
    is_linear = audio_format.encoding is Encoding.PCM16
    samples = recorded(recordings, name, audio_format.sample_rate_hz)
    audio = encode(samples, Encoding.ULAW if is_linear else Encoding.PCM16)
    return audio[: len(audio) // audio_format.frame_bytes * audio_format.frame_bytes]


def at_another_rate(recordings: Path, name: str, audio_format: AudioFormat) -> bytes:
    """Half as many samples as a second is said to have."""
    samples = recorded(recordings, name, audio_format.sample_rate_hz // 2)
    return encode(samples, audio_format.encoding)


async def heard(provider: SttProvider, audio: bytes, audio_format: AudioFormat) -> list[str]:
    """The words that a recognizer hears in a call."""
    pause = audio_format.silence(PAUSE_MS)
    options = SttOptions(audio=audio_format)
    return (await call(provider, [pause + audio + pause], options, hurries=True)).words


@pytest.mark.parametrize("name", remote(STT))
async def test_streams_are_understood(name: str, ears: Hearing, recordings: Path) -> None:
    async with reached(build_stt, name, hearing=ears) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, as_it_is(recordings, TEN, taken), taken)
        assert words == RECORDED[TEN].split()


@pytest.mark.parametrize("name", sorted({account_of(name) for name in remote(STT)}))
async def test_another_recording_is_understood_otherwise(
    name: str, ears: Hearing, recordings: Path
) -> None:
    async with reached(build_stt, name, hearing=ears) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, as_it_is(recordings, GOODBYE, taken), taken)
        assert words == RECORDED[GOODBYE].split()


@pytest.mark.parametrize(
    ("spoil", "recording"), [(in_another_codec, TEN), (at_another_rate, GOODBYE)]
)
@pytest.mark.parametrize("name", sorted({account_of(name) for name in remote(STT)}))
async def test_what_is_not_sent_as_it_is_said_to_be_is_not_understood(
    name: str, spoil: Spoil, recording: str, ears: Hearing, recordings: Path
) -> None:
    async with reached(build_stt, name, hearing=ears) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, spoil(recordings, recording, taken), taken)
        assert words != RECORDED[recording].split()


@pytest.mark.parametrize("name", remote(FILES))
async def test_recordings_are_understood(name: str, ears: Hearing, recordings: Path) -> None:
    async with reached(build_file_stt, name, hearing=ears) as files:
        taken = files.provider.capabilities.audio[0]
        audio = AudioData(as_it_is(recordings, TEN, taken), taken)
        result = await files.provider.transcribe(audio, SttOptions())
    assert words_of(result.text) == RECORDED[TEN].split()


@pytest.mark.parametrize("name", remote(TTS))
async def test_voices_are_understood(name: str, ears: Hearing) -> None:
    async with reached(build_tts, name, voice=EspeakVoice()) as tts:
        audio = await spoken(tts.provider)
    assert await said(ears, audio, tts.provider.format) == SPOKEN.split()


async def test_the_voice_of_this_machine_is_understood(ears: Hearing) -> None:
    provider = build_tts("espeak")
    await provider.start()
    audio = await spoken(provider)
    await provider.aclose()
    assert await said(ears, audio, provider.format) == SPOKEN.split()


async def spoken(provider: TtsProvider) -> bytes:
    """What a synthesizer makes of the sentence."""
    async with aclosing(provider.synthesize(f"{SPOKEN}?".capitalize(), TtsOptions())) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


async def said(ears: Hearing, audio: bytes, audio_format: AudioFormat) -> list[str]:
    """The words that PocketSphinx hears."""
    tokens = await transcribe(ears, audio, Listening(audio_format, whole_words=True))
    return words_of(" ".join(token.text for token in tokens))
