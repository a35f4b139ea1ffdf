"""PURE: Deepgram's speech-to-text for whole recordings, `POST /v1/listen`.

Source: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat, Encoding

from ..deepgram import DeepgramAccount, failure
from ..errors import InvalidResponseError, ProviderError
from ..http_request import HttpRequest
from ..messages import read
from ..options import AUTO, STT_OPTIONS
from ..results import AudioData, Container, TranscriptionResult, Word
from ..types import SttCapabilities, SttOptions
from .deepgram_query import TAGS, asked, encoding, terms
from .deepgram_words import words_of
from .terms import honoured_with

__all__ = ["DeepgramFiles"]


class DeepgramFiles:
    """The `FileVendor` for Deepgram.

    Args:
        account: key, address, models, language; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "deepgram"
    capabilities = SttCapabilities(
        languages=(*TAGS, AUTO),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K, AudioFormat(Encoding.PCM16, 24_000)),
        word_times=True,
        # A whole recording has no turns.
        options=frozenset(STT_OPTIONS) - {"interim_results", "endpointing", "endpointing_ms"},
    )
    containers: tuple[Container, ...] = ("wav", "flac", "mp3", "m4a", "aac", "ogg", "webm")
    max_bytes = 2_000_000_000
    max_ms: float | None = None

    def __init__(self, **account: Any) -> None:
        self._account = DeepgramAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return failure(self.name, status, headers, body)

    def request(self, audio: AudioData, options: SttOptions) -> HttpRequest:
        """What has a recording understood.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        query = asked(self.name, self._account, options, whole=True)
        if audio.container == "raw" and audio.format is not None:
            query += encoding(audio.format)
        return HttpRequest(
            url=self._account.http_url("/v1/listen", query),
            # It sees by itself what a file is.
            headers={**self._account.headers, "Content-Type": "application/octet-stream"},
            body=audio.data,
        )

    def result(self, body: bytes, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """What was understood.

        Raises:
            InvalidResponseError: it is no answer of the protocol.
        """
        answer = read(self.name, body)
        try:
            return _result(answer, self._told(options))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
            raise InvalidResponseError(self.name, "a result is not what it should be") from None

    def _told(self, options: SttOptions) -> str | None:
        """The language that Deepgram was told; None when it was to be found out."""
        query = dict(asked(self.name, self._account, options, whole=True))
        told = query.get("language", "multi")
        if told == "multi":
            return None
        is_asked_for = self._account.language is None and options.language != AUTO
        return options.language if is_asked_for else told


def _result(answer: Mapping[str, Any], language: str | None) -> TranscriptionResult:
    channel = answer["results"]["channels"][0]
    best = channel["alternatives"][0]
    text, confidence = best["transcript"], best.get("confidence")
    if not isinstance(text, str):
        raise TypeError
    return TranscriptionResult(
        text=text,
        provider=DeepgramFiles.name,
        duration_ms=float(answer["metadata"]["duration"]) * 1000,
        language=channel.get("detected_language") or language,
        confidence=None if confidence is None else float(confidence),
        words=tuple(
            _word(word, text, start_ms, end_ms)
            for word, text, start_ms, end_ms in words_of(best["words"])
        ),
    )


def _word(word: Mapping[str, Any], text: str, start_ms: float, end_ms: float) -> Word:
    confidence, speaker = word.get("confidence"), word.get("speaker")
    return Word(
        text,
        round(start_ms),
        round(end_ms),
        None if confidence is None else float(confidence),
        None if speaker is None else str(speaker),
    )
