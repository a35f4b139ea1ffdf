"""The WebRTC fallback, on the real library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.audio import Samples
from media.dtmf import tones
from media.vad import Model, SpeechStarted
from media.webrtc import WebRtc
from tests.media.hearing import (
    SPOKEN,
    detect,
    in_a_room,
    judge,
    noise,
    onset_ms,
    recorded,
    silence,
    sines,
    vowels,
    windows,
)


@pytest.fixture
def webrtc() -> Model:
    pytest.importorskip("webrtcvad")
    model = WebRtc()
    model.reserve(2)
    return model


def test_a_voice_starts_speech(webrtc: Model) -> None:
    events = detect(judge(webrtc, np.concatenate([silence(1), vowels(2), silence(1)])))
    assert isinstance(events[0], SpeechStarted)
    assert events[0].at_ms == pytest.approx(1000, abs=100)


@pytest.mark.parametrize(
    "sound",
    [sines(2, 1000), sines(2, 350, 440), tones("159#", tone_ms=200), noise(2, -30), silence(2)],
    ids=["tone", "dial", "keys", "noise", "silence"],
)
def test_tones_noise_and_silence_start_none(webrtc: Model, sound: Samples) -> None:
    assert detect(judge(webrtc, np.concatenate([silence(0.5), sound, silence(0.5)]))) == []


def test_every_sample_is_judged_once_in_frames_of_ten_ms(webrtc: Model) -> None:
    import webrtcvad

    heard = np.concatenate([silence(0.5), vowels(1)])
    reference = webrtcvad.Vad(3)
    frames = [
        reference.is_speech(heard[at : at + 80].tobytes(), 8000)
        for at in range(0, len(heard) // 256 * 256 - 79, 80)
    ]
    # The windows' whole frames, counted cumulatively: 3, 6, 9, 12, 16, 19, …
    ends = [(number + 1) * 256 // 80 for number in range(len(heard) // 256)]
    expected = [np.mean(frames[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    answers = judge(webrtc, heard)
    voiced = np.array(answers) > 0
    assert voiced.sum() > 20
    assert np.array(answers)[voiced] == pytest.approx(np.array(expected)[voiced], abs=1e-6)


def test_a_batch_is_the_same_as_one_by_one_and_somebody_new_starts_fresh(webrtc: Model) -> None:
    voices = [np.concatenate([silence(0.5), vowels(1)]), noise(1.5, -40)]
    alone = [judge(webrtc, voice) for voice in voices]
    both = np.array([1, 0], np.intp)
    webrtc.forget(0)
    webrtc.forget(1)
    rows = np.stack([windows(voice) for voice in voices], axis=1)
    together = np.stack([webrtc.infer(row, both) for row in rows], axis=1)
    assert together.tolist() == alone
    assert judge(webrtc, voices[0], voice=1) == alone[0]


@pytest.mark.parametrize("windows_before", [1, 2, 3, 4])
def test_what_was_left_of_somebody_is_not_judged_with_the_next(
    webrtc: Model, windows_before: int
) -> None:
    # Word and pause in turn: a window that is part speech shows where its frames lie.
    heard = np.concatenate([vowels(0.2), silence(0.31)] * 6)
    fresh = judge(webrtc, heard, voice=0)
    judge(webrtc, heard[: 256 * windows_before], voice=1)
    assert judge(webrtc, heard, voice=1) == fresh


@pytest.mark.parametrize("name", SPOKEN)
def test_recorded_speech_is_found(webrtc: Model, recordings: Path, name: str) -> None:
    speech = recorded(recordings, name)
    events = detect(judge(webrtc, in_a_room(speech)))
    assert isinstance(events[0], SpeechStarted)
    # It takes the breath and the room before a sentence for speech, where Silero does not.
    assert -300 <= events[0].at_ms - (1000 + onset_ms(speech)) <= 200


def test_the_voicemail_beep_starts_none(webrtc: Model, recordings: Path) -> None:
    beep = recorded(recordings, "prompt_beep")
    assert detect(judge(webrtc, np.concatenate([silence(0.5), beep, silence(0.5)]))) == []
