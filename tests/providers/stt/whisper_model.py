"""A Whisper model whose weights are random: real loading, real decoding, and words of no meaning.

It takes some 10 ms to decode. The same audio gives the same words, other audio others; what it
says tells nothing about what was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from ctranslate2.specs.whisper_spec import WhisperSpec
from numpy.typing import NDArray
from tokenizers import AddedToken, decoders, models, pre_tokenizers

from media.audio import pcm_to_bytes, ulaw_to_pcm
from media.resample import upsample
from providers.stt.whisper_task import CODES

__all__ = ["make_model", "pcm"]

WIDTH = 16
INNER = 32
MELS = 80
AUDIO_POSITIONS = 1_500
TEXT_POSITIONS = 448

_Array = NDArray[np.float32]


def make_model(
    folder: Path,
    *,
    multilingual: bool = True,
    bias: Mapping[str, float] | None = None,
    certainty: float = 1.0,
) -> Path:
    """Make a model in a folder, as one that was downloaded is.

    Args:
        folder: of its own; it need not exist.
        multilingual: whether it knows all languages, or English alone.
        bias: tokens that it is to say rather (positive) or hardly (negative); words begin with Ġ.
        certainty: how sure it is of what it says.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    text = [*alphabet, *_words()]
    # The empty token is by what CTranslate2 knows a multilingual model.
    text += [""] if multilingual else []
    special = list(_special_tokens())
    folder.mkdir(parents=True, exist_ok=True)
    biases = {**dict.fromkeys(alphabet, -100.0), "<|endoftext|>": 9.0, **(bias or {})}
    _save_weights(folder, text, special, biases, certainty)
    _save_tokenizer(folder, text, special)
    return folder


def pcm(recordings: Path, name: str) -> bytes:
    """A recording, as PCM16 at 16 kHz."""
    return pcm_to_bytes(upsample(ulaw_to_pcm((recordings / f"{name}.ulaw").read_bytes())))


def _words() -> list[str]:
    """A thousand words, each a token."""
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    return [f"Ġ{first}{second}" for first in syllables[:16] for second in syllables]


def _special_tokens() -> Iterator[str]:
    """In Whisper's order; the times come last."""
    yield from ("<|endoftext|>", "<|startoftranscript|>")
    yield from (f"<|{code}|>" for code in CODES)
    yield from ("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>")
    yield from ("<|nospeech|>", "<|notimestamps|>")
    yield from (f"<|{step * 0.02:.2f}|>" for step in range(AUDIO_POSITIONS + 1))


def _save_tokenizer(folder: Path, text: list[str], special: list[str]) -> None:
    vocabulary = {token: number for number, token in enumerate(text)}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))


def _save_weights(
    folder: Path, text: list[str], special: list[str], bias: Mapping[str, float], certainty: float
) -> None:
    """Random weights, but for what makes it say words, a few at a time, and not bytes."""
    tokens = [*text, *special]
    weights = _Weights()
    spec = WhisperSpec(1, 1, 1, 1)
    weights.fill_encoder(spec.encoder)
    biases = np.array([bias.get(token, 0) for token in tokens], np.float32)
    weights.fill_decoder(spec.decoder, biases, certainty)
    numbers = {token: number for number, token in enumerate(tokens)}
    spec.register_vocabulary(tokens)
    spec.config.alignment_heads = [(0, 0)]
    spec.config.lang_ids = [numbers[f"<|{code}|>"] for code in CODES]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [numbers["<|endoftext|>"]]
    spec.validate()
    spec.optimize()
    spec.save(str(folder))


class _Weights:
    """Fills layers; CTranslate2 says which there are."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)

    def fill_encoder(self, encoder: Any) -> None:
        for layer, width in ((encoder.conv1, MELS), (encoder.conv2, WIDTH)):
            layer.weight = self._array(WIDTH, width, 3, scale=2 / np.sqrt(3 * width))
            layer.bias = np.zeros(WIDTH, np.float32)
        encoder.position_encodings.encodings = self._array(AUDIO_POSITIONS, WIDTH, scale=0.1)
        self._norm(encoder.layer_norm)
        for layer in encoder.layer:
            self._attention(layer.self_attention)
            self._feed_forward(layer.ffn)

    def fill_decoder(self, decoder: Any, bias: _Array, certainty: float) -> None:
        size = len(bias)
        # What was said last counts for little: it would be said for ever.
        decoder.embeddings.weight = self._array(size, WIDTH, scale=0.3)
        decoder.position_encodings.encodings = self._array(TEXT_POSITIONS, WIDTH, scale=1.5)
        self._norm(decoder.layer_norm)
        decoder.projection.weight = self._array(size, WIDTH, scale=certainty)
        decoder.projection.bias = bias
        for layer in decoder.layer:
            self._attention(layer.self_attention)
            self._attention(layer.attention, of_audio=True)
            self._feed_forward(layer.ffn)

    def _attention(self, layer: Any, *, of_audio: bool = False) -> None:
        self._norm(layer.layer_norm)
        # The decoder looks at moments of the audio, rather than at all of it.
        shares = ((1, 2.0), (2, 0.5), (1, 0.5)) if of_audio else ((3, 0.25), (1, 0.25))
        for linear, (share, scale) in zip(layer.linear, shares, strict=True):
            self._linear(linear, share * WIDTH, WIDTH, scale)

    def _feed_forward(self, layer: Any) -> None:
        self._norm(layer.layer_norm)
        self._linear(layer.linear_0, INNER, WIDTH, 0.25)
        self._linear(layer.linear_1, WIDTH, INNER, 0.18)

    def _linear(self, layer: Any, outputs: int, inputs: int, scale: float) -> None:
        layer.weight = self._array(outputs, inputs, scale=scale)
        layer.bias = np.zeros(outputs, np.float32)

    def _norm(self, layer: Any) -> None:
        layer.gamma = np.ones(WIDTH, np.float32)
        layer.beta = np.zeros(WIDTH, np.float32)

    def _array(self, *shape: int, scale: float = 1.0) -> _Array:
        array: _Array = (self._random.standard_normal(shape) * scale).astype(np.float32)
        return array
