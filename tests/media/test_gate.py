"""What is let through to the model, what the model keeps, and that no speech is lost by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from media.gate import Gate
from media.silero import Silero
from media.vad import Probabilities, SpeechStarted, Voices, Windows
from tests.media.hearing import (
    SPOKEN,
    detect,
    in_a_room,
    judge,
    noise,
    recorded,
    silence,
    silero_network,
    vowels,
    windows,
)

HOLD = 16


class Parrot:
    """A model that says of every window the same, and remembers whose windows it was shown."""

    name = "parrot"

    def __init__(self, says: float = 0.0) -> None:
        self.says = says
        self.shown: list[list[int]] = []
        self.forgotten: list[int] = []
        self.capacity = 0

    def reserve(self, capacity: int) -> None:
        self.capacity = capacity

    def forget(self, voice: int) -> None:
        self.forgotten.append(voice)

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        assert len(windows) == len(voices)
        self.shown.append(voices.tolist())
        return np.full(len(voices), self.says, np.float32)


def gate(model: Parrot, voices: int = 1) -> Gate:
    gated = Gate(model)
    gated.reserve(voices)
    return gated


def test_it_has_the_models_name_room_and_forgetting() -> None:
    model = Parrot()
    gated = gate(model, 3)
    gated.forget(2)
    assert (gated.name, model.capacity, model.forgotten) == ("parrot", 3, [2])


@pytest.mark.parametrize("signal", [silence(3), noise(3, -60), noise(3, -25)])
def test_background_is_shut_out_after_half_a_second(signal: np.ndarray) -> None:
    model = Parrot()
    gated = gate(model)
    assert judge(gated, signal) == [0.0] * (len(signal) // 256)
    assert HOLD <= gated.passed == len(model.shown) <= HOLD + 3


def test_what_is_louder_than_the_background_passes() -> None:
    gated = gate(Parrot(says=0.05))
    quiet, loud = windows(noise(2, -50)), windows(noise(0.5, -44))
    judge(gated, quiet.ravel())
    before = gated.passed
    first = np.array([0], np.intp)
    answers = [gated.infer(window[None], first)[0] for window in loud]
    assert gated.passed - before == len(loud)
    assert answers == pytest.approx([0.05] * len(loud))


def test_it_stays_open_while_the_model_is_not_sure() -> None:
    gated = gate(Parrot(says=0.1))
    judge(gated, silence(3))
    assert gated.passed == 3 * 8000 // 256


def test_it_shuts_half_a_second_after_the_models_last_doubt() -> None:
    model = Parrot(says=0.9)
    gated = gate(model)
    first = np.array([0], np.intp)
    nothing = windows(silence(3))
    for window in nothing[:20]:
        gated.infer(window[None], first)
    model.says = 0.0
    for window in nothing:
        gated.infer(window[None], first)
    assert gated.passed == 20 + HOLD


def test_each_voice_has_a_gate_of_its_own_and_gets_its_own_answer() -> None:
    model = Parrot(says=0.9)
    gated = gate(model, 2)
    model.says = 0.0
    nothing = silence(1)
    judge(gated, nothing, voice=0)
    model.says = 0.8
    batch = np.stack([nothing[:256], vowels(0.5)[1000:1256]])
    assert gated.infer(batch, np.array([0, 1], np.intp)).tolist() == pytest.approx([0.0, 0.8])
    assert model.shown[-1] == [1]


def test_nobody_is_asked_when_nobody_passes() -> None:
    model = Parrot()
    gated = gate(model)
    judge(gated, silence(1))
    asked = len(model.shown)
    assert gated.infer(windows(silence(0.032)), np.array([0], np.intp)).tolist() == [0.0]
    assert len(model.shown) == asked


def test_somebody_new_brings_a_background_of_their_own() -> None:
    gated = gate(Parrot())
    judge(gated, silence(1))
    before = gated.passed
    judge(gated, noise(3, -40))
    assert gated.passed - before <= HOLD + 3


def test_somebody_new_passes_again_and_more_room_changes_nothing() -> None:
    gated = gate(Parrot())
    judge(gated, silence(1))
    gated.reserve(8)
    first = np.array([0], np.intp)
    gated.infer(windows(silence(0.032)), first)
    shut = gated.passed
    gated.forget(0)
    gated.infer(windows(silence(0.032)), first)
    assert gated.passed == shut + 1


@pytest.mark.parametrize("snr_db", [None, 15.0], ids=["clean", "noise at 15 dB"])
@pytest.mark.parametrize("gain_db", [0.0, -10.0, -20.0])
def test_no_speech_is_lost_in_front_of_silero(
    recordings: Path, gain_db: float, snr_db: float | None
) -> None:
    silero = Silero(silero_network())
    gated = Gate(silero)
    gated.reserve(1)
    speech = kept = judged = 0
    for name in SPOKEN:
        heard = in_a_room(recorded(recordings, name), gain_db=gain_db, snr_db=snr_db)
        bare, behind = np.array(judge(silero, heard)), np.array(judge(gated, heard))
        speech += int((bare >= 0.5).sum())
        kept += int(((bare >= 0.5) & (behind >= 0.5)).sum())
        judged += len(bare)
        bare_starts = [e for e in detect(bare.tolist()) if isinstance(e, SpeechStarted)]
        starts = [e for e in detect(behind.tolist()) if isinstance(e, SpeechStarted)]
        assert starts[0].detected_ms <= bare_starts[0].detected_ms + 32, name
    assert kept >= 0.99 * speech
    assert gated.passed < 0.8 * judged
