"""Finding sentences of the bot in what the caller heard.

Whether a sentence was said again, or was said twice, is not left to the worker to tell. eSpeak
never speaks a sentence the same way twice, down to the sample, so sentences are compared by their
spectra: the same sentence correlates above 0.9, another one below 0.4.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bot.phone.speech import SAMPLES_PER_MS, Span
from bot.speech import synthesize_ulaw
from media.audio import ulaw_to_pcm
from providers.fallback import Fallback
from providers.tts.espeak import ESpeak
from providers.types import TtsOptions, TtsProvider

__all__ = ["Voice"]

_HOP = 80  # 10 ms
_WINDOW = 160
_BANDS = ((3, 10), (10, 20), (20, 35), (35, 55), (55, 80), (80, 128))
_FLOOR = 1e-5
_ALIKE = 0.8
# Each piece of a sentence must be there too: one that was cut near its end is not whole.
_PIECE = 40
_PIECE_ALIKE = 0.5
_MS = _HOP // SAMPLES_PER_MS
_SILENCE = b"\xff\x7e\x7f\xfe"

Features = NDArray[np.float64]


class Voice:
    """Knows how some sentences sound; `learn` makes one.

    Args:
        spoken: µ-law of each.
    """

    def __init__(self, spoken: dict[str, bytes]) -> None:
        self.spoken = spoken
        self._known = {text: _features(u.strip(_SILENCE)) for text, u in spoken.items()}

    @classmethod
    async def learn(cls, texts: Iterable[str]) -> Voice:
        """Have the worker's own synthesizer speak each of `texts`."""
        tts = ESpeak()
        await tts.start()
        try:
            voice = Fallback[TtsProvider].alone(tts)
            return cls({text: await synthesize_ulaw(voice, text, TtsOptions()) for text in texts})
        finally:
            await tts.aclose()

    def heard(self, track: bytes | bytearray, text: str) -> list[Span]:
        """Where in `track` (µ-law, 8 kHz) the whole of this sentence is, in ms."""
        known, heard = self._known[text], _features(track)
        length = len(known)
        if len(heard) < length:
            return []
        # Frames last, so that a window is the features of `length` frames.
        windows = sliding_window_view(heard, length, axis=0).transpose(0, 2, 1)
        alike = _correlation(windows, known)
        found: list[Span] = []
        for at in np.argsort(-alike):
            if alike[at] < _ALIKE:
                break
            span = Span(int(at) * _MS, (int(at) + length) * _MS)
            near = any(span.overlap_ms(other) > 0 for other in found)
            if not near and _is_whole(windows[at], known):
                found.append(span)
        return sorted(found, key=lambda span: span.start_ms)


def _features(ulaw: bytes | bytearray) -> Features:
    """The energy in each band, in dB, every 10 ms."""
    samples = ulaw_to_pcm(bytes(ulaw)).astype(np.float64) / 32768
    if len(samples) < _WINDOW:
        return np.zeros((0, len(_BANDS)))
    frames = sliding_window_view(samples, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, 256)) ** 2
    return np.stack([10 * np.log10(power[:, a:b].sum(1) + _FLOOR) for a, b in _BANDS], 1)


def _correlation(windows: Features, known: Features) -> NDArray[np.float64]:
    """Pearson's, of each window with what is known; 0 for what never changes."""
    w = windows - windows.mean(axis=(1, 2), keepdims=True)
    k = known - known.mean()
    norms = np.sqrt((w**2).sum(axis=(1, 2)) * (k**2).sum())
    sums: NDArray[np.float64] = np.einsum("ijk,jk->i", w, k)
    alike: NDArray[np.float64] = np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 0)
    return alike


def _is_whole(window: Features, known: Features) -> bool:
    starts = [*range(0, len(known) - _PIECE, _PIECE), max(len(known) - _PIECE, 0)]
    return all(
        _correlation(window[None, at : at + _PIECE], known[at : at + _PIECE])[0] > _PIECE_ALIKE
        for at in starts
    )
