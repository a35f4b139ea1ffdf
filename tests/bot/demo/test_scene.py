"""The caller's recordings: PocketSphinx must understand each of them as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.scene import BOOKING, DIALOG, LINES, RECORDINGS, caller_steps
from bot.demo.voice import record_lines
from bot.dialog.script_states import compile_script
from bot.dialog.script_words import normalize
from bot.phone.clip import load_clip
from bot.phone.speech import loud_frames, spans, speech_frames
from bot.phone.steps import Play, SpeakOver, WaitForBot
from media.audio import pcm_to_bytes, ulaw_to_pcm
from media.resample import upsample
from providers.stt.pocketsphinx import PocketSphinx
from providers.types import SttOptions, Transcript
from tests.bot.phone.sounds import quiet

LEAD_IN_MS = 250
STATES = ("welcome", "day", "time", "confirm")
FIELDS = ("intent", "day", "time", "confirmed")


def test_the_caller_speaks_over_the_welcome_and_then_waits_for_each_question() -> None:
    first, *others = caller_steps()
    assert isinstance(first, SpeakOver)
    assert [type(step) for step in others] == [WaitForBot, *[Play, WaitForBot] * 3]
    assert len(LINES) == len(STATES)


async def test_each_line_is_understood_as_it_was_meant() -> None:
    pytest.importorskip("pocketsphinx", reason="the extra `pocketsphinx` is not installed")
    states = [compile_script(Path(DIALOG.partition(":")[2])).states[name] for name in STATES]
    stt = PocketSphinx(processes=1)
    await stt.start()
    try:
        async with stt.stream(SttOptions(interim_results=False)) as stream:
            for line, ready, field in zip(LINES, states, FIELDS, strict=True):
                stream.expect(ready.phrases)
                stream.send(heard_audio(line.file))
                stream.finalize()
                transcript = await anext(stream)
                assert isinstance(transcript, Transcript)
                assert normalize(transcript.text) == normalize(line.text)
                assert not transcript.rejected
                found = ready.matcher.match(transcript.text)
                assert found is not None
                values = {**ready.options[found.option].set, **found.captures}
                assert values[field] == BOOKING[field]
    finally:
        await stt.aclose()


def heard_audio(file: str) -> bytes:
    """A recording as a call hears it: from shortly before its speech to endpointing."""
    audio = load_clip(RECORDINGS / file).audio
    begin = (spans(speech_frames(loud_frames(audio)), 1_000)[0].start_ms - LEAD_IN_MS) * 8
    heard = quiet(max(0, -begin) // 8) + audio[max(0, begin) :] + quiet(500)
    return pcm_to_bytes(upsample(ulaw_to_pcm(heard)))


async def test_the_recordings_can_be_made_again() -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `espeak` is not installed")
    made = await record_lines()
    assert list(made) == [line.file for line in LINES]
    for name, ulaw in made.items():
        kept = (RECORDINGS / name).read_bytes()
        # Another eSpeak NG may round otherwise, but speaks the same.
        assert abs(len(ulaw) - len(kept)) < 0.1 * len(kept)
