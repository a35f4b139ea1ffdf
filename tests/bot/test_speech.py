from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from bot.speech import PAUSE_MS, Speaker, synthesize_ulaw
from media.audio import PCM16_16K, ULAW_8K, pcm_to_bytes, pcm_to_ulaw, ulaw_to_pcm
from media.files import AudioFileError
from media.messages import SendMedia
from media.playout import Playout, PlayoutFull
from providers.errors import DeadlineError, UnavailableError
from providers.fallback import Candidate, Fallback
from providers.tts.fallback import FallbackTts
from providers.types import SynthesisChunk, TtsOptions, TtsProvider, WordPosition
from tests.bot.engines import MS_PER_CHARACTER, Tones, tone
from tests.virtual_time import virtual_time

TEXT = "Hello there."


def speaker(tts: Tones, playout: Playout) -> tuple[Speaker, list[int]]:
    woken: list[int] = []
    return Speaker(face(tts), TtsOptions(), playout, lambda: woken.append(1)), woken


def face(*tts: Tones) -> FallbackTts:
    candidates = [Candidate[TtsProvider](one.name, one) for one in tts]
    return FallbackTts(Fallback(candidates), audio=ULAW_8K)


def drained(playout: Playout) -> bytes:
    """All that waits, as if the caller had time for it."""
    audio = b""
    now_ms = 0.0
    while True:
        commands = playout.pump(now_ms)
        audio += b"".join(c.payload for c in commands if isinstance(c, SendMedia))
        names = [c.name for c in commands if not isinstance(c, SendMedia)]
        now_ms += 100
        for name in names:
            playout.mark_echoed(name, now_ms)
        if not commands and not playout.queued_ms:
            return audio


@virtual_time
async def test_a_sentence_becomes_ulaw() -> None:
    playout = Playout()
    speaks, woken = speaker(Tones(), playout)
    segment = playout.open(TEXT)
    await speaks.say(segment)
    assert segment.closed
    assert woken
    audio = drained(playout)
    assert len(audio) == len(TEXT) * MS_PER_CHARACTER * 8
    spectrum = np.abs(np.fft.rfft(ulaw_to_pcm(audio)))
    assert np.argmax(spectrum) * 8000 / len(audio) == pytest.approx(440, abs=2)
    assert segment.whole


@virtual_time
async def test_a_breath_before_the_next_sentence() -> None:
    class Positions(Tones):
        async def synthesize(
            self, text: str, options: TtsOptions
        ) -> AsyncGenerator[SynthesisChunk, None]:
            yield SynthesisChunk(pcm_to_bytes(tone(500)), (WordPosition(0, 5, 0.0),))
            yield SynthesisChunk(pcm_to_bytes(tone(500)), (WordPosition(6, 12, 500.0),))

    playout = Playout()
    speaks, _ = speaker(Positions(), playout)
    segment = playout.open(TEXT)
    await speaks.say(segment, pause=True)
    playout.pump(0)
    assert segment.heard == ""
    # Nothing is heard in the breath; the second word begins 500 ms behind it.
    playout.clear(PAUSE_MS + 490)
    assert segment.heard == "Hello"


@virtual_time
async def test_a_synthesizer_of_another_rate() -> None:
    class Wide(Tones):
        async def synthesize(
            self, text: str, options: TtsOptions
        ) -> AsyncGenerator[SynthesisChunk, None]:
            wave = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
            yield SynthesisChunk(pcm_to_bytes((8000 * wave).astype(np.int16)))

    audio = await synthesize_ulaw(Fallback.alone(Wide(format=PCM16_16K)), TEXT, TtsOptions())
    assert len(audio) == pytest.approx(8_000, abs=80)
    assert np.argmax(np.abs(np.fft.rfft(ulaw_to_pcm(audio)))) * 8000 / len(audio) == pytest.approx(
        440, abs=2
    )


@virtual_time
async def test_language_and_voice_change_and_speed_stays() -> None:
    tts, playout = Tones(), Playout()
    speaks = Speaker(face(tts), TtsOptions(speed=1.5), playout, lambda: None)
    speaks.set_language("fr-FR", "denise")
    await speaks.say(playout.open("Bonjour."))
    assert tts.spoken == [("Bonjour.", TtsOptions(language="fr-FR", voice="denise", speed=1.5))]


@virtual_time
async def test_a_sentence_that_is_dropped_stops_the_synthesizer() -> None:
    tts, playout = Tones(pace_s=0.1), Playout()
    speaks, _ = speaker(tts, playout)
    saying = asyncio.create_task(speaks.say(playout.open("A long sentence, which goes on and on.")))
    await asyncio.sleep(0.25)
    playout.clear(250)
    await asyncio.sleep(0.2)
    assert saying.done()
    assert tts.running == 0


@virtual_time
async def test_a_synthesizer_that_fails_closes_what_it_gave() -> None:
    tts, playout = Tones(fail={TEXT: (1, UnavailableError("tones", "gone"))}), Playout()
    speaks, woken = speaker(tts, playout)
    segment = playout.open(TEXT)
    with pytest.raises(UnavailableError):
        await speaks.say(segment)
    assert segment.closed
    assert woken
    assert len(drained(playout)) == 200 * 8
    assert not segment.whole


@virtual_time
async def test_a_synthesizer_that_stays_silent() -> None:
    loop = asyncio.get_running_loop()
    began_s, tts = loop.time(), Tones(pace_s=3600)
    with pytest.raises(DeadlineError, match="no audio for 5 s"):
        await synthesize_ulaw(Fallback.alone(tts), TEXT, TtsOptions())
    assert loop.time() - began_s == pytest.approx(5, abs=0.01)
    assert tts.running == 0


@virtual_time
async def test_speech_waits_for_room() -> None:
    playout = Playout(max_queued_ms=500)
    speaks, _ = speaker(Tones(), playout)
    saying = asyncio.create_task(speaks.say(playout.open(TEXT)))
    await asyncio.sleep(0.1)
    assert not saying.done()
    assert playout.queued_ms == 400
    drained(playout)
    speaks.made_room()
    await asyncio.sleep(0.1)
    assert saying.done()
    await saying


@virtual_time
async def test_no_room_for_ever() -> None:
    playout = Playout(max_queued_ms=500)
    speaks, _ = speaker(Tones(), playout)
    segment = playout.open(TEXT)
    with pytest.raises(PlayoutFull, match="nothing was confirmed as played for 150 s"):
        await speaks.say(segment)
    assert segment.closed


@virtual_time
async def test_speech_that_waits_for_room_is_dropped() -> None:
    playout = Playout(max_queued_ms=500)
    speaks, _ = speaker(Tones(), playout)
    saying = asyncio.create_task(speaks.say(playout.open(TEXT)))
    await asyncio.sleep(0.1)
    playout.clear(100)
    speaks.made_room()
    await asyncio.sleep(0)
    await saying


def test_a_recording_is_played_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "jingle.ulaw"
    path.write_bytes(pcm_to_ulaw(tone(2500)))

    @virtual_time
    async def play() -> None:
        playout = Playout()
        speaks, woken = speaker(Tones(), playout)
        segment = playout.open("[jingle.ulaw]")
        await speaks.play(segment, path)
        assert segment.closed
        assert len(woken) == 4
        assert drained(playout) == path.read_bytes()

    play()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("x.wav", r"x\.wav: it cannot be read: No such file"),
        ("a\0.wav", r"a\\x00\.wav': no file can have this name"),
    ],
)
def test_a_recording_that_is_not_there(tmp_path: Path, name: str, fault: str) -> None:
    @virtual_time
    async def play() -> None:
        playout = Playout()
        speaks, _ = speaker(Tones(), playout)
        segment = playout.open("[x.wav]")
        with pytest.raises(AudioFileError, match=fault):
            await speaks.play(segment, tmp_path / name)
        assert segment.closed

    play()


@virtual_time
async def test_what_is_there_already_is_played() -> None:
    playout = Playout()
    speaks, woken = speaker(Tones(), playout)
    segment = playout.open("Sorry.")
    await speaks.play_ready(segment, b"\x00" * 800)
    assert segment.closed
    assert woken
    assert drained(playout) == b"\x00" * 800
