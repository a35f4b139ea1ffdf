"""PURE: Azure's transcription of whole recordings: fast transcription, and the short-audio API.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/fast-transcription-create and
https://learn.microsoft.com/azure/ai-services/speech-service/rest-speech-to-text-short

Fast transcription tells words with their times and who spoke them, of hours of audio. It knows no
custom models, and not every locale: for these a recording of less than a minute goes to the
short-audio API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..azure import AzureAccount, refusal
from ..errors import (
    AudioTooLargeError,
    InvalidResponseError,
    ProviderError,
    UnsupportedFormatError,
    UnsupportedLanguageError,
)
from ..http_request import HttpRequest, Upload
from ..messages import read
from ..options import AUTO
from ..results import AudioData, Container, TranscriptionResult, Word
from ..types import SttCapabilities, SttOptions
from .azure_languages import FAST, LOCALES, locales
from .azure_short import MAX_MS, RATE_HZ, understood
from .azure_turn import PATH, profanity, terms
from .terms import honoured_with
from .untimed import shares
from .wav import as_wav, duration_ms, resampled_wav

__all__ = ["AzureFiles"]

PROVIDER = "azure"
FAST_PATH, VERSION = "/speechtotext/transcriptions:transcribe", "2025-10-15"
MAX_BYTES = 499_000_000
"""What has headers around it has to be less than 500 MB."""
MAX_FAST_MS = 18_000_000.0 - 1.0
MOST_SPEAKERS = 10
_CONTAINERS: tuple[Container, ...] = ("wav", "flac", "mp3", "aac", "ogg", "webm")
_BY_FAST = frozenset(("diarization", "languages", "key_terms", "phrases"))
_BY_BOTH = frozenset(("model", "profanity_filter"))
_BY_TWO_DOORS = SttCapabilities(
    languages=(*LOCALES, AUTO),
    audio=(PCM16_16K, ULAW_8K, PCM16_8K),
    word_times=True,
    options=_BY_FAST | _BY_BOTH,
)
_BY_ONE_DOOR = replace(_BY_TWO_DOORS, languages=LOCALES, options=_BY_BOTH)
_FAST = replace(_BY_TWO_DOORS, languages=(*FAST, AUTO))


class AzureFiles:
    """The `FileVendor` for Azure.

    Args:
        account: key, region, addresses, models; see `AzureAccount`.

    Raises:
        MissingKeyError: there is no key, or no region.
    """

    name = PROVIDER
    max_bytes = MAX_BYTES

    def __init__(self, **account: Any) -> None:
        self._account = AzureAccount(**account)
        is_custom = self._account.stt_endpoint_id is not None
        self.capabilities = _BY_ONE_DOOR if is_custom else _BY_TWO_DOORS
        self.containers: tuple[Container, ...] = ("wav",) if is_custom else _CONTAINERS
        self.max_ms: float | None = MAX_MS if is_custom else MAX_FAST_MS

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        if self._custom(options) or self._rare(options):
            return _BY_BOTH
        return honoured_with(terms(options), options, self.capabilities.options)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(PROVIDER, status, headers, body)

    def request(self, audio: AudioData, options: SttOptions) -> HttpRequest:
        """What has a recording understood.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
            AudioTooLargeError, UnsupportedFormatError: for what is asked the recording has to be
                shorter, or another kind of file.
        """
        custom = self._custom(options)
        if custom or self._rare(options):
            return self._short(audio, options, custom)
        container, data = audio.container, audio.data
        if container == "raw":
            container, data = "wav", as_wav(audio)
        upload = Upload.of("audio", container, data)
        definition = orjson.dumps(_definition(options)).decode()
        return HttpRequest(
            url=self._account.api_url(FAST_PATH, [("api-version", VERSION)]),
            headers=self._account.headers,
            fields=[("definition", definition)],
            upload=upload,
        )

    def result(self, body: bytes, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """What was understood.

        Raises:
            InvalidResponseError: it is no answer of the protocol.
        """
        answer = read(PROVIDER, body)
        try:
            if "RecognitionStatus" in answer:
                spoken = locales(PROVIDER, options, _BY_ONE_DOOR)[0]
                return understood(PROVIDER, answer, duration_ms(audio), spoken)
            return _result(answer)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidResponseError(PROVIDER, "an answer is not what it should be") from None

    def _custom(self, options: SttOptions) -> str | None:
        """The custom model that is asked for."""
        return options.model or self._account.stt_endpoint_id

    def _rare(self, options: SttOptions) -> bool:
        """Whether a language is asked for that the fast transcription does not know."""
        if options.language == AUTO:
            return False
        return locales(PROVIDER, options, _BY_ONE_DOOR)[0] not in FAST

    def _short(self, audio: AudioData, options: SttOptions, custom: str | None) -> HttpRequest:
        if audio.container not in ("raw", "wav"):
            raise UnsupportedFormatError(
                PROVIDER,
                f"a custom model, or this language, for audio in {audio.container}",
                hint="convert it to wav",
            )
        if duration_ms(audio) > MAX_MS:
            raise AudioTooLargeError(
                PROVIDER,
                f"{duration_ms(audio) / 1000:.0f} s of audio for a custom model, or this language",
                hint=f"it takes {MAX_MS / 1000:.0f} s: stream it, or split it where nobody speaks",
            )
        if options.language == AUTO:
            raise UnsupportedLanguageError(
                PROVIDER,
                "a custom model, and no language",
                hint="name the one that the model is of: it finds out none",
            )
        spoken = locales(PROVIDER, options, _BY_ONE_DOOR)[0]
        query = [("language", spoken), ("format", "detailed"), ("profanity", profanity(options))]
        if custom:
            query.append(("cid", custom))
        kind = f"audio/wav; codecs=audio/pcm; samplerate={RATE_HZ}"
        return HttpRequest(
            url=self._account.stt_url(PATH, query),
            headers={**self._account.headers, "Content-Type": kind, "Accept": "application/json"},
            body=resampled_wav(PROVIDER, audio, RATE_HZ),
        )


def _definition(options: SttOptions) -> dict[str, Any]:
    """How fast transcription is to understand; without a locale it finds that out."""
    definition: dict[str, Any] = {
        "profanityFilterMode": "Masked" if options.profanity_filter else "None"
    }
    if spoken := locales(PROVIDER, options, _FAST):
        definition["locales"] = spoken
    if options.diarization:
        definition["diarization"] = {"enabled": True, "maxSpeakers": MOST_SPEAKERS}
    if words := terms(options):
        definition["phraseList"] = {"phrases": words}
    return definition


def _result(answer: Mapping[str, Any]) -> TranscriptionResult:
    phrases = answer["phrases"]
    sure = [float(phrase["confidence"]) for phrase in phrases if "confidence" in phrase]
    return TranscriptionResult(
        text=" ".join(part["text"].strip() for part in answer["combinedPhrases"]),
        provider=PROVIDER,
        duration_ms=float(answer["durationMilliseconds"]),
        language=next((phrase["locale"] for phrase in phrases if phrase.get("locale")), None),
        confidence=sum(sure) / len(sure) if sure else None,
        words=tuple(word for phrase in phrases for word in _words(phrase)),
    )


def _words(phrase: Mapping[str, Any]) -> Iterator[Word]:
    """The words of a phrase; where none are listed, they share its time."""
    confidence, speaker = phrase.get("confidence"), phrase.get("speaker")
    known = None if confidence is None else float(confidence)
    who = None if speaker is None else str(speaker)
    listed = phrase.get("words")
    if listed is None:
        texts = phrase["text"].split()
        times = shares(len(texts), *_span_ms(phrase))
    else:
        texts = [word["text"] for word in listed]
        times = [_span_ms(word) for word in listed]
    for text, (start_ms, end_ms) in zip(texts, times, strict=True):
        yield Word(text, start_ms, end_ms, known, who)


def _span_ms(item: Mapping[str, Any]) -> tuple[int, int]:
    start_ms = int(item["offsetMilliseconds"])
    return start_ms, start_ms + int(item["durationMilliseconds"])
