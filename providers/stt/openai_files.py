"""PURE: OpenAI's transcription of whole recordings, with `gpt-transcribe`.

Source: https://platform.openai.com/docs/api-reference/audio/createTranscription

A file comes in a form, and its name's ending says what it is. Headerless audio is not taken, so it
is made a WAV file. Who speaks is told by a model of its own, and when each word was said by
`whisper-1` alone; both end on 2027-02-26.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..errors import (
    AudioTooLargeError,
    InvalidResponseError,
    ProviderError,
)
from ..http_request import HttpRequest, Upload
from ..messages import read
from ..offered import check_understood
from ..openai_account import LANGUAGES, PCM16_24K, OpenAiAccount, refusal
from ..results import AudioData, Container, TranscriptionResult, Word
from ..types import AUTO, SttCapabilities, SttOptions
from .openai import ALAW_8K, PROVIDER, options_of, transcription
from .wav import as_wav, duration_ms

__all__ = ["OpenAiFiles"]

MAX_BYTES = 25 * 1024 * 1024
DIARIZING = "gpt-4o-transcribe-diarize"
TIMING = "whisper-1"


class OpenAiFiles:
    """The `FileVendor` for OpenAI.

    Args:
        account: key, addresses, models; see `OpenAiAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    containers: tuple[Container, ...] = ("wav", "flac", "mp3", "m4a", "ogg", "webm")
    max_bytes = MAX_BYTES
    max_ms: float | None = None

    def __init__(self, **account: Any) -> None:
        self._account = OpenAiAccount(**account)
        self._account.check_key(PROVIDER)
        model = self._account.files_model
        self.capabilities = SttCapabilities(
            languages=(*LANGUAGES, AUTO),
            audio=(PCM16_16K, PCM16_24K, ULAW_8K, ALAW_8K, PCM16_8K),
            word_times=model == TIMING,
            options=frozenset({"diarization"}) | options_of(model),
        )

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options the model honours that these lead to: who speaks is told by one alone."""
        model = self._model(options)
        return options_of(model) | ({"diarization"} if model == DIARIZING else set())

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(PROVIDER, status, headers, body)

    def request(self, audio: AudioData, options: SttOptions) -> HttpRequest:
        """The form with the recording.

        Raises:
            UnsupportedLanguageError: the language is not on offer.
            AudioTooLargeError: it is too large as a WAV file.
        """
        check_understood(PROVIDER, self.capabilities, [options.language])
        return HttpRequest(
            url=f"{self._account.base_url}/audio/transcriptions",
            headers=self._account.headers,
            fields=[*_fields(self._model(options), options)],
            upload=_upload(audio),
        )

    def result(self, body: bytes, audio: AudioData, options: SttOptions) -> TranscriptionResult:
        """What was understood.

        Raises:
            InvalidResponseError: it is no answer of the protocol.
        """
        answer = read(PROVIDER, body)
        try:
            return TranscriptionResult(
                text=answer["text"].strip(),
                provider=PROVIDER,
                duration_ms=_duration_ms(answer, audio),
                language=_language(answer, options),
                words=tuple(_words(answer)),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(PROVIDER, "an answer is not what it should be") from None

    def _model(self, options: SttOptions) -> str:
        return options.model or (DIARIZING if options.diarization else self._account.files_model)


def _fields(model: str, options: SttOptions) -> Iterator[tuple[str, str]]:
    for name, value in transcription(model, options).items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((f"{name}[]", each) for each in value)
    if model == DIARIZING:
        yield "response_format", "diarized_json"
        yield "chunking_strategy", "auto"  # without it, no more than 30 s
    elif model == TIMING:
        yield "response_format", "verbose_json"
        yield "timestamp_granularities[]", "word"
    else:
        yield "response_format", "json"


def _upload(audio: AudioData) -> Upload:
    container, data = audio.container, audio.data
    if container == "raw":
        data, container = as_wav(audio), "wav"
        if len(data) > MAX_BYTES:
            raise AudioTooLargeError(
                PROVIDER,
                f"{len(data):,} bytes of audio, as a WAV file, in one recording",
                hint=f"it takes {MAX_BYTES:,}: split it where nobody speaks",
            )
    return Upload.of("file", container, data)


def _duration_ms(answer: Mapping[str, Any], audio: AudioData) -> float:
    """As the vendor measured; else as the audio says, and 0 when neither tells."""
    usage = answer.get("usage") or {}
    seconds = answer.get("duration", usage.get("seconds"))
    if seconds is not None:
        return float(seconds) * 1000
    return duration_ms(audio)


def _language(answer: Mapping[str, Any], options: SttOptions) -> str | None:
    """The first that was found; else the one that was said to be spoken."""
    found = answer.get("languages") or ()
    if found:
        return str(found[0]["code"])
    return None if options.language == AUTO else options.language


def _words(answer: Mapping[str, Any]) -> Iterator[Word]:
    """Words with their times; of a speaker's stretch each word has the times of the whole."""
    for word in answer.get("words") or ():
        yield Word(str(word["word"]).strip(), _ms(word["start"]), _ms(word["end"]))
    for stretch in answer.get("segments") or ():
        if "speaker" in stretch:
            start_ms, end_ms = _ms(stretch["start"]), _ms(stretch["end"])
            for text in str(stretch["text"]).split():
                yield Word(text, start_ms, end_ms, speaker=str(stretch["speaker"]))


def _ms(seconds: float) -> int:
    return round(float(seconds) * 1000)
