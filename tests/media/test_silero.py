"""Silero by itself: the context it needs, batches, voices; and what it makes of sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.audio import Samples
from media.dtmf import tones
from media.gate import Gate
from media.silero import Silero
from media.vad import WINDOW, WINDOW_MS, Model, SpeechStarted
from tests.media.hearing import (
    RATE_HZ,
    SPOKEN,
    detect,
    in_a_room,
    judge,
    noise,
    onset_ms,
    pcm,
    recorded,
    silence,
    silero_network,
    sines,
    vowels,
    windows,
)


@pytest.fixture(scope="module")
def silero() -> Silero:
    model = Silero(silero_network())
    model.reserve(8)
    return model


@pytest.fixture(scope="module")
def gated() -> Model:
    model = Gate(Silero(silero_network()))
    model.reserve(1)
    return model


def spoken() -> Samples:
    return np.concatenate([silence(0.512), vowels(2)])


def test_a_voice_is_speech_and_silence_is_not(silero: Silero) -> None:
    probabilities = judge(silero, np.concatenate([spoken(), silence(1)]))
    assert np.mean(probabilities[16:78]) > 0.8
    assert max(probabilities[:15] + probabilities[-20:]) < 0.1


def raw(samples: Samples, context: int) -> list[float]:
    """The network itself, each window after the last `context` samples of the one before."""
    import onnxruntime

    session = onnxruntime.InferenceSession(silero_network(), providers=["CPUExecutionProvider"])
    padded = np.concatenate([np.zeros(context), samples]).astype(np.float32) / 32768
    state = np.zeros((2, 1, 128), np.float32)
    probabilities = []
    for at in range(0, len(samples) - WINDOW + 1, WINDOW):
        piece = padded[None, at : at + context + WINDOW]
        output, state = session.run(
            None, {"input": piece, "state": state, "sr": np.array(RATE_HZ, np.int64)}
        )
        probabilities.append(float(output[0, 0]))
    return probabilities


def test_each_window_goes_in_after_the_end_of_the_one_before(silero: Silero) -> None:
    assert judge(silero, spoken()) == pytest.approx(raw(spoken(), context=32), abs=1e-5)


def test_without_that_context_recorded_speech_would_be_lost(
    silero: Silero, recordings: Path
) -> None:
    speech = recorded(recordings, "austen_0930")
    assert np.mean(judge(silero, speech)) > 0.8
    assert np.mean(raw(speech, context=0)) < 0.3


def test_a_batch_is_the_same_as_one_by_one(silero: Silero) -> None:
    voices = [vowels(1), noise(1, -30), sines(1, 440), np.roll(vowels(1), 1000), silence(1)]
    alone = np.array([judge(silero, voice) for voice in voices])
    numbers = np.array([4, 0, 7, 2, 5], np.intp)
    for number in numbers.tolist():
        silero.forget(number)
    rows = np.stack([windows(voice) for voice in voices], axis=1)
    together = np.stack([silero.infer(row, numbers) for row in rows], axis=1)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_somebody_new_is_judged_as_the_first_was(silero: Silero) -> None:
    before = judge(silero, spoken())
    judge(silero, noise(1, -20))
    assert judge(silero, spoken()) == pytest.approx(before, abs=1e-5)


def test_more_room_keeps_what_is_known() -> None:
    model = Silero(silero_network())
    model.reserve(1)
    whole = judge(model, spoken())
    model.forget(0)
    first = np.array([0], np.intp)
    halves = []
    for number, window in enumerate(windows(spoken())):
        if number == 30:
            model.reserve(5)
        halves.append(float(model.infer(window[None], first)[0]))
    assert halves == pytest.approx(whole, abs=1e-5)


def melody() -> Samples:
    """Plucked strings, four notes a second."""
    time_s = np.arange(RATE_HZ // 4) / RATE_HZ
    notes = [
        sum(6000 / h * np.sin(2 * np.pi * hz * h * time_s) for h in range(1, 6))
        * np.exp(-5 * time_s)
        for hz in (262, 294, 330, 349, 392, 440, 494, 523)
    ]
    return pcm(np.concatenate(notes))


def clicks() -> Samples:
    train = silence(2)
    train[:: RATE_HZ // 2], train[1 :: RATE_HZ // 2] = 20000, -20000
    return train


@pytest.mark.parametrize(
    "sound",
    [
        sines(2, 1000),
        sines(2, 425),
        sines(2, 350, 440),
        tones("0123456789*#"),
        sines(2, 262, 330, 392, 524, 660, 784),
        melody(),
        clicks(),
        noise(2, -20),
        noise(2, -40),
    ],
    ids=["tone", "busy", "dial", "keys", "chord", "melody", "clicks", "noise", "faint noise"],
)
def test_what_is_no_voice_starts_no_speech(gated: Model, sound: Samples) -> None:
    assert detect(judge(gated, np.concatenate([silence(0.6), sound, silence(0.6)]))) == []


def test_the_voicemail_beep_starts_no_speech(gated: Model, recordings: Path) -> None:
    beep = recorded(recordings, "prompt_beep")
    assert detect(judge(gated, np.concatenate([silence(0.6), beep, silence(0.6)]))) == []
    assert detect(judge(gated, beep)) == []


@pytest.mark.parametrize("snr_db", [None, 15.0], ids=["clean", "noise at 15 dB"])
@pytest.mark.parametrize("name", SPOKEN)
def test_recorded_speech_is_found_where_it_starts(
    gated: Model, recordings: Path, name: str, snr_db: float | None
) -> None:
    speech = recorded(recordings, name)
    events = detect(judge(gated, in_a_room(speech, snr_db=snr_db)))
    began_ms = 1000 + onset_ms(speech)
    assert abs(events[0].at_ms - began_ms) <= 100
    assert events[0].detected_ms - began_ms <= 200
    assert events[-1].at_ms < 1000 + len(speech) / 8 + WINDOW_MS
    # None of their pauses, the longest of 192 ms, cuts them.
    assert sum(isinstance(event, SpeechStarted) for event in events) == 1
