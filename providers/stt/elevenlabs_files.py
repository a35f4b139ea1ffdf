"""PURE: ElevenLabs' Scribe for whole recordings, `scribe_v2`.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from media.audio import PCM16_16K, decode, pcm_to_bytes
from media.files import wav_header

from ..elevenlabs import PROVIDER, ElevenLabsAccount, tag_of
from ..elevenlabs_errors import refusal
from ..errors import InvalidResponseError, ProviderError
from ..http_request import HttpRequest, Upload
from ..messages import read
from ..results import AudioData, Container, TranscriptionResult, Word
from ..types import SttOptions
from .elevenlabs_options import check_languages, key_terms, languages, offered
from .elevenlabs_words import words_of
from .terms import honoured_with

__all__ = ["ElevenLabsFiles"]

MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS = 100, 50, 5
_HOUR_MS = 3_600_000.0


class ElevenLabsFiles:
    """The `FileVendor` for ElevenLabs.

    Args:
        account: key, address, models; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = offered("diarization")
    containers: tuple[Container, ...] = ("wav", "flac", "mp3", "m4a", "aac", "ogg", "webm")
    max_bytes = 3_000_000_000
    max_ms: float | None = 10 * _HOUR_MS

    def __init__(self, **account: Any) -> None:
        self._account = ElevenLabsAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(_terms(options), options, self.capabilities.options)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(PROVIDER, status, headers, body)

    def request(self, audio: AudioData, options: SttOptions) -> HttpRequest:
        """A form with the recording at its end.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        check_languages(options, self.capabilities)
        fields = [
            ("model_id", options.model or self._account.files_model),
            ("timestamps_granularity", "word"),
            # A laugh is no word.
            ("tag_audio_events", "false"),
            ("diarize", "true" if options.diarization else "false"),
        ]
        language, others = languages(options)
        if language is not None:
            fields.append(("language_code", language))
        fields += [("secondary_language_codes", code) for code in others]
        fields += [("keyterms", term) for term in _terms(options)]
        raw_pcm = audio.container == "raw" and audio.format == PCM16_16K
        fields.append(("file_format", "pcm_s16le_16" if raw_pcm else "other"))
        return HttpRequest(
            url=self._account.url("v1", "speech-to-text"),
            headers=self._account.headers,
            fields=fields,
            upload=_upload(audio),
        )

    def result(self, body: bytes, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """What the recognizer has understood.

        Raises:
            InvalidResponseError: it is no answer of the protocol.
        """
        answer = read(PROVIDER, body)
        try:
            words = tuple(words_of(answer.get("words") or ()))
            return TranscriptionResult(
                text=answer["text"].strip(),
                provider=PROVIDER,
                duration_ms=_duration_ms(answer, audio, words),
                language=tag_of(answer.get("language_code")),
                confidence=_mean([w.confidence for w in words if w.confidence is not None]),
                words=words,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidResponseError(PROVIDER, "a transcript is not what it should be") from None


def _terms(options: SttOptions) -> list[str]:
    return key_terms(options, MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS)


def _upload(audio: AudioData) -> Upload:
    """The recording as a file; what is raw, but for 16 kHz PCM, as WAV."""
    if audio.container != "raw":
        return Upload.of("file", audio.container, audio.data)
    if audio.format == PCM16_16K:
        return Upload("file", "audio.pcm", "application/octet-stream", audio.data)
    assert audio.format is not None, "the engine takes no raw audio without a format"
    pcm = pcm_to_bytes(decode(audio.data, audio.format.encoding))
    header = wav_header(len(pcm), audio.format.sample_rate_hz, audio.format.channels)
    return Upload.of("file", "wav", header + pcm)


def _duration_ms(answer: Mapping[str, Any], audio: AudioData, words: tuple[Word, ...]) -> float:
    if audio.duration_ms is not None:
        return audio.duration_ms
    told_s = answer.get("audio_duration_secs")
    if told_s is not None:
        return float(told_s) * 1000
    return float(words[-1].end_ms) if words else 0.0


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
