"""Makes recordings for oracles: of real speech, or of signals that are computed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.audio import ULAW_8K, pcm_to_ulaw, rms_dbfs, ulaw_to_pcm

from .script import BLOCK_MS, Script, ScriptWord, spread, words_of

__all__ = ["computed_script", "recorded_script", "recordings_in", "spoken_script"]

SPEECH_DBFS = -40.0
HUSH = 24
"""The noise of a pause, in samples of 16 bits: far below speech, yet no two of its blocks agree."""
SPOKEN_MS_A_CHARACTER = 70
RATE_HZ = 8_000


def recorded_script(folder: Path, *, minimum_ms: int = 60_000) -> Script:
    """The spoken files of a folder, one after the other, with pauses between them.

    Each file's words share its speech evenly: where they really are is not known.

    Args:
        folder: with a README.md in whose table each file's name is followed by its transcript;
            voicemail prompts (`prompt_…`) are left out.
        minimum_ms: how long it is to be at least; the pauses make up for it.

    Raises:
        ValueError: there is no file with a transcript.
    """
    spoken = recordings_in(folder)
    speech_ms = sum(len(audio) for audio, _ in spoken) * 1000 // RATE_HZ
    pause_ms = max(1_000, (minimum_ms - speech_ms) // len(spoken))
    return spoken_script(spoken, pause_ms=pause_ms)


def recordings_in(folder: Path) -> list[tuple[bytes, str]]:
    """The spoken files of a folder (8 kHz µ-law), and what each says; see `recorded_script`.

    Raises:
        ValueError: there is no file with a transcript.
    """
    table = (folder / "README.md").read_text("utf-8")
    spoken = [
        ((folder / f"{name}.ulaw").read_bytes(), text.strip())
        for name, text in re.findall(r"^\| (\w+) \| ([a-z ]+) \|", table, re.MULTILINE)
        if not name.startswith("prompt_") and (folder / f"{name}.ulaw").is_file()
    ]
    if not spoken:
        raise ValueError(f"{folder} has no .ulaw file with a transcript")
    return spoken


def spoken_script(said: Sequence[tuple[bytes, str]], *, pause_ms: int = 1_000) -> Script:
    """Recordings (8 kHz µ-law) of these texts, one after the other, with pauses between them.

    Words share each recording's speech evenly.
    """
    parts = [(_whole_blocks(audio), words_of(text)) for audio, text in said]
    return _joined(parts, _blocks_up(pause_ms))


def computed_script(sentences: Sequence[str], *, pause_ms: int = 1_000) -> Script:
    """A signal for each word of some sentences, with a pause after each sentence.

    Every word sounds different each time, as people's words do: no two places can be confused.
    """
    parts = []
    for index, sentence in enumerate(sentences):
        duration_ms = _blocks_up(len(sentence) * SPOKEN_MS_A_CHARACTER)
        parts.append((_signal(duration_ms, f"{index} {sentence}"), words_of(sentence)))
    return _joined(parts, _blocks_up(pause_ms))


def _joined(parts: Sequence[tuple[bytes, list[tuple[str, ...]]]], pause_ms: int) -> Script:
    audio, words = bytearray(), list[ScriptWord]()
    for index, (spoken, said) in enumerate(parts):
        audio += _hush(pause_ms, index)
        start_ms = len(audio) * 1000 // RATE_HZ
        begin_ms, end_ms = _speech(spoken)
        words += spread(said, start_ms + begin_ms, start_ms + end_ms)
        audio += spoken
    audio += _hush(pause_ms, len(parts))
    return Script(bytes(audio), ULAW_8K, words)


def _speech(audio: bytes) -> tuple[int, int]:
    """From where to where there is speech, in ms."""
    size = ULAW_8K.byte_count(BLOCK_MS)
    loud = [
        at
        for at in range(0, len(audio), size)
        if rms_dbfs(ulaw_to_pcm(audio[at : at + size])) > SPEECH_DBFS
    ]
    return loud[0] * 1000 // RATE_HZ, (loud[-1] + size) * 1000 // RATE_HZ


def _signal(duration_ms: int, seed: str) -> bytes:
    """Something with the pitch and the unrest of a voice."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    time_s = np.arange(duration_ms * RATE_HZ // 1000) / RATE_HZ
    pitch = 120 + 40 * random.random() + 15 * np.sin(2 * np.pi * 3 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    return _ulaw(5_000 * syllables * voice + random.normal(0, 200, time_s.size))


def _hush(duration_ms: int, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    return _ulaw(random.normal(0, HUSH, duration_ms * RATE_HZ // 1000))


def _ulaw(values: NDArray[np.float64]) -> bytes:
    return pcm_to_ulaw(np.clip(np.rint(values), -32_000, 32_000).astype(np.int16))


def _whole_blocks(audio: bytes) -> bytes:
    size = ULAW_8K.byte_count(BLOCK_MS)
    return audio + ULAW_8K.silence(BLOCK_MS)[: -len(audio) % size]


def _blocks_up(duration_ms: int) -> int:
    return -(-duration_ms // BLOCK_MS) * BLOCK_MS
