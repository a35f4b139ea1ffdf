"""Real speech is understood by every recognizer, and every synthesizer's by a real one.

The stand-ins listen with PocketSphinx, which chooses among ten phrases, and speak with eSpeak. What
is not what it is said to be must not be understood. PocketSphinx hears the same recordings by
itself in its own tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from media.audio import AudioFormat, Encoding, Samples, encode, ulaw_to_pcm
from media.resample import resample
from providers.catalog import FILES, STT, TTS, account_of, build_file_stt, build_stt, build_tts
from providers.results import AudioData
from providers.types import SttOptions, SttProvider, TtsOptions, TtsProvider
from tests.vendors.speech.hearing import Hearing, Listening, transcribe
from tests.vendors.speech.voices import Voice
from tests.virtual_time import virtual_time_on_sockets

from .caller import call, telephone_format, words_of
from .elsewhere import Elsewhere, ears, elsewhere, voice
from .reach import reached, remote

pytest.importorskip("pocketsphinx")
pytestmark = pytest.mark.long

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


@pytest.fixture(scope="module")
def there() -> Iterator[Elsewhere]:
    with elsewhere() as there:
        yield there


@pytest.fixture(scope="module")
def listener(there: Elsewhere) -> Iterator[Hearing]:
    with ears(there, PHRASES) as listener:
        yield listener


@pytest.fixture(scope="module")
def speaker(there: Elsewhere) -> Iterator[Voice]:
    with voice(there) as speaker:
        yield speaker


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
    return (await call(provider, [pause + audio + pause], options)).words


@pytest.mark.parametrize("name", remote(STT))
@virtual_time_on_sockets
async def test_streams_are_understood(name: str, listener: Hearing, recordings: Path) -> None:
    async with reached(build_stt, name, hearing=listener) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, as_it_is(recordings, TEN, taken), taken)
        assert words == RECORDED[TEN].split()


@virtual_time_on_sockets
async def test_another_recording_is_understood_otherwise(
    listener: Hearing, recordings: Path
) -> None:
    name = remote(STT)[0]  # whose stand-in it is makes no difference to what the listener hears
    async with reached(build_stt, name, hearing=listener) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, as_it_is(recordings, GOODBYE, taken), taken)
        assert words == RECORDED[GOODBYE].split()


@pytest.mark.parametrize(
    ("spoil", "recording"), [(in_another_codec, TEN), (at_another_rate, GOODBYE)]
)
@pytest.mark.parametrize("name", sorted({account_of(name) for name in remote(STT)}))
@virtual_time_on_sockets
async def test_what_is_not_sent_as_it_is_said_to_be_is_not_understood(
    name: str, spoil: Spoil, recording: str, listener: Hearing, recordings: Path
) -> None:
    async with reached(build_stt, name, hearing=listener) as stt:
        taken = telephone_format(stt.provider)
        words = await heard(stt.provider, spoil(recordings, recording, taken), taken)
        assert words != RECORDED[recording].split()


@pytest.mark.parametrize("name", remote(FILES))
@virtual_time_on_sockets
async def test_recordings_are_understood(name: str, listener: Hearing, recordings: Path) -> None:
    async with reached(build_file_stt, name, hearing=listener) as files:
        taken = files.provider.capabilities.audio[0]
        audio = AudioData(as_it_is(recordings, TEN, taken), taken)
        result = await files.provider.transcribe(audio, SttOptions())
    assert words_of(result.text) == RECORDED[TEN].split()


@pytest.mark.parametrize("name", remote(TTS))
@virtual_time_on_sockets
async def test_voices_are_understood(name: str, listener: Hearing, speaker: Voice) -> None:
    async with reached(build_tts, name, voice=speaker) as tts:
        audio = await spoken(tts.provider)
    assert await said(listener, audio, tts.provider.format) == SPOKEN.split()


@virtual_time_on_sockets
async def test_the_voice_of_this_machine_is_understood(there: Elsewhere, listener: Hearing) -> None:
    espeak = build_tts("espeak")

    async def speak() -> bytes:
        await espeak.start()
        try:
            return await spoken(espeak)
        finally:
            await espeak.aclose()

    audio = await there.run(speak())
    assert await said(listener, audio, espeak.format) == SPOKEN.split()


async def spoken(provider: TtsProvider) -> bytes:
    """What a synthesizer makes of the sentence."""
    async with aclosing(provider.synthesize(f"{SPOKEN}?".capitalize(), TtsOptions())) as chunks:
        return b"".join([chunk.audio async for chunk in chunks])


async def said(listener: Hearing, audio: bytes, audio_format: AudioFormat) -> list[str]:
    """The words that PocketSphinx hears."""
    tokens = await transcribe(listener, audio, Listening(audio_format, whole_words=True))
    return words_of(" ".join(token.text for token in tokens))
