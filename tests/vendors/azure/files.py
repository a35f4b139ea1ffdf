"""Recordings: fast transcription, and the API for short audio.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/fast-transcription-create and
`rest-speech-to-text-short`
"""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from media.audio import AudioFormat
from media.files import AudioFileError
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing, Listening, Token, transcribe
from tests.vendors.speech.refusal import Answer, Json, Refusal
from tests.vendors.speech.wav import audio_in

from .limits import Limits
from .refusal import Wrong, invalid_fields
from .results import nothing, said
from .stt_query import LOCALES, ShortQuery, read_query

__all__ = ["FastTranscription", "ShortAudio"]

VERSIONS = ("2024-11-15", "2025-10-15")
NOT_FAST = frozenset(("ar-DZ",))


class _Speakers(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    enabled: bool = False
    maxSpeakers: Annotated[int, Field(ge=2, le=35)] | None = None


class _Phrases(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    phrases: Annotated[list[str], Field(max_length=500)]
    biasingWeight: Annotated[float, Field(ge=0, le=20)] | None = None


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    locales: list[str] = []
    profanityFilterMode: Literal["None", "Masked", "Removed", "Tags"] = "Masked"
    diarization: _Speakers = _Speakers()
    channels: Annotated[list[Literal[0, 1]], Field(max_length=2)] = []
    phraseList: _Phrases | None = None


class FastTranscription:
    """Answers requests with a recording.

    Args:
        hearing: gives each its recognizer.
        limits: how much.
    """

    def __init__(self, hearing: Hearing, limits: Limits) -> None:
        self._hearing = hearing
        self._limits = limits

    async def answer(self, exchange: Exchange) -> None:
        """Answer one."""
        if exchange.record.asked("api-version") not in VERSIONS:
            raise Wrong("The API version is not supported", kind="InvalidApiVersion")
        async with exchange.form() as form:
            definition = _definition(form)
            file = form.get("audio")
            if not isinstance(file, UploadFile):
                raise Wrong("audio is required", kind="InvalidArgument")
            data = await file.read()
        if len(data) > self._limits.upload_bytes:
            raise Refusal(413, "InvalidAudio", "The audio file is too large")
        audio_format, audio = _decoded(data)
        duration_ms = audio_format.duration_ms(len(audio))
        if duration_ms > self._limits.upload_ms:
            raise Wrong("The audio is too long", kind="InvalidAudioLength", code=422)
        listening = Listening(audio_format, whole_words=True)
        tokens = await transcribe(self._hearing, audio, listening)
        await exchange.answer(Answer.json(_transcription(definition, tokens, duration_ms)))


def _definition(form: FormData) -> _Definition:
    text = form.get("definition")
    if form.keys() - {"audio", "definition"} or not isinstance(text, str):
        raise Wrong("The form has audio and definition", kind="InvalidArgument")
    try:
        definition = _Definition.model_validate(orjson.loads(text))
    except ValidationError as error:
        raise invalid_fields(error, "definition") from None
    except ValueError:
        raise Wrong("definition is not JSON", kind="InvalidArgument") from None
    if not LOCALES.difference(NOT_FAST).issuperset(definition.locales):
        raise Wrong("The locale is not supported", kind="InvalidLocale")
    return definition


def _transcription(definition: _Definition, tokens: list[Token], duration_ms: float) -> Json:
    """One phrase of all."""
    text = " ".join(token.text.strip() for token in tokens)
    answer: Json = {
        "durationMilliseconds": round(duration_ms),
        "combinedPhrases": [{"text": text}] if tokens else [],
        "phrases": [],
    }
    if tokens:
        words = [_word(token) for token in tokens]
        start_ms = words[0]["offsetMilliseconds"]
        end_ms = words[-1]["offsetMilliseconds"] + words[-1]["durationMilliseconds"]
        phrase: Json = {
            "offsetMilliseconds": start_ms,
            "durationMilliseconds": end_ms - start_ms,
            "text": text,
            "words": words,
            "locale": (definition.locales or ["en-US"])[0],
            "confidence": 0.93,
        }
        if definition.diarization.enabled:
            phrase["speaker"] = 1
        answer["phrases"] = [phrase]
    return answer


def _word(token: Token) -> Json:
    assert token.start_ms is not None
    assert token.end_ms is not None
    return {
        "text": token.text.strip(),
        "offsetMilliseconds": token.start_ms,
        "durationMilliseconds": token.end_ms - token.start_ms,
    }


class ShortAudio:
    """Answers requests with less than a minute of audio; as `FastTranscription`."""

    def __init__(self, hearing: Hearing, limits: Limits) -> None:
        self._hearing = hearing
        self._limits = limits

    async def answer(self, exchange: Exchange) -> None:
        """Answer one."""
        query = read_query(ShortQuery, exchange.record.query)
        if not exchange.record.headers.get("content-type", "").startswith("audio/wav"):
            raise Refusal(415, None, "The content type is not supported")
        audio_format, audio = _decoded(exchange.body)
        if (audio_format.sample_rate_hz, audio_format.channels) != (16_000, 1):
            raise Wrong("The audio is not 16 kHz mono", kind="BadRequest")
        duration_ms = audio_format.duration_ms(len(audio))
        if duration_ms > self._limits.short_ms:
            # It is said to understand the first minute alone.
            audio = audio[: audio_format.byte_count(self._limits.short_ms)]
        listening = Listening(audio_format, whole_words=True)
        tokens = await transcribe(self._hearing, audio, listening)
        if not tokens:
            await exchange.answer(Answer.json(nothing("InitialSilenceTimeout", duration_ms)))
            return
        result = said(tokens, detailed=query.format == "detailed", words=False)
        await exchange.answer(Answer.json(result))


def _decoded(data: bytes) -> tuple[AudioFormat, bytes]:
    """A WAV file's audio; the stand-in decodes nothing else, though Azure does."""
    try:
        audio_format, audio = audio_in(data)
    except AudioFileError as error:
        raise Wrong(f"The audio is corrupted: {error.found}", kind="InvalidAudioFormat") from None
    if not audio:
        raise Wrong("The audio is empty", kind="EmptyAudioFile", code=422)
    return audio_format, audio
