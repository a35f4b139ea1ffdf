"""Scribe for recordings.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from media.audio import PCM16_16K, AudioFormat
from media.files import AudioFileError
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing, Listening, transcribe
from tests.vendors.speech.refusal import Answer
from tests.vendors.speech.wav import audio_in

from .limits import Limits
from .refusal import Wrong, invalid_fields
from .stt import words_of

__all__ = ["ScribeFiles"]

LISTS = ("keyterms", "secondary_language_codes")
ISO_639_3 = {"en": "eng", "de": "deu", "es": "spa", "fr": "fra"}
Term = Annotated[str, Field(min_length=1, max_length=50)]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_id: Literal["scribe_v2"]
    language_code: Language | None = None
    secondary_language_codes: list[Language] = []
    tag_audio_events: bool = True
    num_speakers: Annotated[int, Field(ge=1, le=32)] | None = None
    timestamps_granularity: Literal["none", "word", "character"] = "word"
    diarize: bool = False
    file_format: Literal["pcm_s16le_16", "other"] = "other"
    keyterms: Annotated[list[Term], Field(max_length=1000)] = []
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: int | None = None
    use_multi_channel: bool = False
    webhook: Literal[False] = False
    # What it knows besides, and the stand-in does not do.
    additional_formats: str | None = None
    entity_detection: str | None = None
    entity_redaction: str | None = None
    webhook_metadata: str | None = None


class ScribeFiles:
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
        async with exchange.form() as form:
            asked = _read(form)
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Wrong("file: Field required", param="file", code=422)
            data = await file.read()
        if asked.file_format == "pcm_s16le_16":
            audio_format = PCM16_16K
        else:
            audio_format, data = _decoded(data)
        duration_ms = audio_format.duration_ms(len(data))
        if duration_ms > self._limits.upload_ms:
            raise Wrong("The recording is too long", param="file")
        listening = Listening(audio_format, whole_words=True)
        words = words_of(await transcribe(self._hearing, data, listening))
        for word in words:
            word["speaker_id"] = "speaker_0" if asked.diarize else None
        code = asked.language_code or "en"
        answer = {
            "language_code": ISO_639_3.get(code, code),
            "language_probability": 1.0,
            "text": "".join(word["text"] for word in words),
            "words": [] if asked.timestamps_granularity == "none" else words,
            "transcription_id": secrets.token_hex(10),
            "audio_duration_secs": duration_ms / 1000,
        }
        await exchange.answer(Answer.json(answer))


def _read(form: FormData) -> _Form:
    fields: dict[str, Any] = {
        name: form.getlist(name) if name in LISTS else form.get(name)
        for name in form
        if name != "file"
    }
    try:
        return _Form.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None


def _decoded(data: bytes) -> tuple[AudioFormat, bytes]:
    """A WAV file's audio; the stand-in decodes nothing else, though ElevenLabs does."""
    try:
        return audio_in(data)
    except AudioFileError as error:
        raise Wrong(f"The file is corrupted: {error.found}", kind="invalid_audio") from None
