"""One Whisper model, in a process of its own: utterances in, `Result`s out.

Whisper was made for recordings. Given silence or noise it makes up sentences, and at times it says
one thing again and again; it also tells, by three figures, when it does. What it says of an
utterance is believed only within the limits that its authors use
(https://github.com/openai/whisper/blob/main/whisper/transcribe.py), and when it is no more than can
be said in the time. It is asked once: trying again at random, as they do, would take five times as
long, and be another answer each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from faster_whisper import WhisperModel, download_model
from faster_whisper.transcribe import Segment
from numpy.typing import NDArray

from media.audio import bytes_to_pcm

from .local_wire import Result
from .local_worker import LoadError
from .whisper_task import Task

__all__ = ["WhisperDecoder"]

BYTES_PER_MS = 32
NO_SPEECH = 0.6
LOW_PROBABILITY = -1.0  # mean of the tokens' natural logarithms
REPETITIVE = 2.4  # how much smaller the text is when it is compressed
MOST_TOKENS = 224  # of the model's 448, half are the context's
_TOKENS, _TOKENS_PER_S = 30, 15  # nobody says more
_BEAM = 5  # hardly better than 1, but up to three times as slow
_FILES = ("model.bin", "config.json", "tokenizer.json")
_HOW_TO_GET = (
    "set WHISPER_MODEL to the directory of a CTranslate2 model, or download one first: "
    "python -c \"from faster_whisper import download_model; download_model('small')\""
)


class WhisperDecoder:
    """Loads a model and decodes utterances.

    Args:
        model: a directory, or the name of a model that is in the user's Hugging Face cache.
        device: `auto`, `cpu` or `cuda`.
        compute_type: https://opennmt.net/CTranslate2/quantization.html
        threads: how many to use on a CPU.

    Raises:
        LoadError: there is no such model on this machine, or it cannot be used.
    """

    def __init__(self, model: str, device: str, compute_type: str, threads: int) -> None:
        directory = _directory(model)
        try:
            self._model = WhisperModel(
                directory, device=device, compute_type=compute_type, cpu_threads=threads
            )
        except (OSError, MemoryError):
            raise  # it may load another time
        except Exception as error:  # as tokenizers raises
            hint = "see WHISPER_MODEL, WHISPER_DEVICE and WHISPER_COMPUTE_TYPE"
            raise LoadError(str(error)[:300], hint) from error
        self.abilities: Mapping[str, Any] = {"languages": self._model.supported_languages}
        self._audio = bytearray()
        self._task = Task()

    def open(self, wanted: Mapping[str, Any]) -> None:
        """An utterance begins.

        Args:
            wanted: the fields of a `Task`.
        """
        self._task = Task(**wanted)

    def close(self) -> None:
        """The utterance is over."""
        self._audio.clear()

    def expect(self, phrases: Sequence[str]) -> None:
        """Nothing changes: phrases come with the `Task`."""

    def hear(self, audio: bytes) -> None:
        """More of the utterance."""
        self._audio += audio

    def interim(self) -> None:
        """Nothing: the parent asks for it, by a `Task` for a draft."""

    def finalize(self) -> Result:
        """What was said, perhaps nothing."""
        duration_ms = len(self._audio) // BYTES_PER_MS
        samples = bytes_to_pcm(bytes(self._audio)).astype(np.float32) / np.float32(32_768)
        self._audio.clear()
        segments, language = self._decode(samples)
        if not segments:
            return Result("", True, 0, duration_ms, language=language)
        text = "".join(segment.text for segment in segments).strip()
        words = tuple(
            (
                word.word.strip(),
                round(word.start * 1000),
                round(word.end * 1000),
                round(float(word.probability), 3),
            )
            for segment in segments
            for word in segment.words or ()
        )
        if not words:
            return Result(text, True, 0, duration_ms, language=language)
        probability = sum(word[3] for word in words) / len(words)
        return Result(
            text, True, words[0][1], words[-1][2], round(probability, 3), words, language=language
        )

    def _decode(self, samples: NDArray[np.float32]) -> tuple[list[Segment], str]:
        """What is believed of what the model says, and in which language that is."""
        task = self._task
        most = min(MOST_TOKENS, round(_TOKENS + _TOKENS_PER_S * len(samples) / 16_000))
        terms = ", ".join(task.terms)
        segments, info = self._model.transcribe(
            samples,
            language=self._language(samples),
            beam_size=_BEAM if task.recording else 1,
            temperature=0.0,
            compression_ratio_threshold=REPETITIVE,
            log_prob_threshold=LOW_PROBABILITY,
            no_speech_threshold=NO_SPEECH,
            condition_on_previous_text=False,
            hotwords=terms or None,
            max_new_tokens=self._new_tokens(most, terms),
            without_timestamps=task.draft,
            word_timestamps=not task.draft,
            vad_filter=task.recording,
        )
        return list(_believed(segments, most)), info.language

    def _new_tokens(self, most: int, terms: str) -> int:
        """What to ask for, so that it can say `most` tokens, and hardly more."""
        # CTranslate2 takes half of prompt and answer together for the answer's limit.
        prompt = 1  # and up to three tokens more: language, task, whether there are times
        if terms:
            hint = len(self._model.hf_tokenizer.encode(f" {terms}").ids)
            prompt += 1 + min(hint, MOST_TOKENS)
        return max(1, min(2 * most, 2 * MOST_TOKENS - 3) - prompt)

    def _language(self, samples: NDArray[np.float32]) -> str | None:
        """The likeliest of those that may be spoken; None when it may be any."""
        allowed = self._task.languages
        if len(allowed) < 2:
            return allowed[0] if allowed else None
        _, _, probabilities = self._model.detect_language(samples)
        # Sorted: the likeliest comes first.
        likeliest: str = next((code for code, _ in probabilities if code in allowed), allowed[0])
        return likeliest


def _believed(segments: Iterable[Segment], most: int) -> Iterator[Segment]:
    """The segments, without those of windows in which the model was beside itself."""
    for _, window in groupby(segments, key=lambda segment: segment.seek):
        said = list(window)
        repetitive = said[0].compression_ratio > REPETITIVE
        endless = most < MOST_TOKENS and sum(len(part.tokens) for part in said) >= most
        if not (repetitive or endless):
            yield from said


def _directory(model: str) -> str:
    """Where the model is.

    Raises:
        LoadError: nowhere on this machine, or not all of it is.
    """
    directory = os.path.expanduser(model)
    if not os.path.isdir(directory):
        if model.startswith(("/", ".", "~")):
            raise LoadError(f"there is no directory {model!r}", _HOW_TO_GET)
        try:
            directory = download_model(model, local_files_only=True)
        except FileNotFoundError as error:
            raise LoadError(f"the model {model!r} is not on this machine", _HOW_TO_GET) from error
        except ValueError as error:
            raise LoadError(f"there is no model {model!r}", _HOW_TO_GET) from error
    missing = [name for name in _FILES if not os.path.exists(os.path.join(directory, name))]
    if missing:
        raise LoadError(f"the model {model!r} lacks {' and '.join(missing)}", _HOW_TO_GET)
    return directory
