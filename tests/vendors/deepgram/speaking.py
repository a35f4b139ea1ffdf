"""Synthesis over HTTP, `POST /v1/speak`: a text, and its audio."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.voices import Voice, spoken
from tests.vendors.speech.wav import wav_header

from .limits import Limits
from .query import SpeakQuery, read_query
from .refusal import Wrong

__all__ = ["Speaking"]

NAMES = {Encoding.PCM16: "l16", Encoding.ALAW: "alaw", Encoding.ULAW: "mulaw"}


class RequestQuery(SpeakQuery):
    """What may be asked over HTTP beyond that: a container, which is the default."""

    container: Literal["wav", "none"] = "wav"
    bit_rate: None = None
    callback: None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: Annotated[str, Field(min_length=1)]


class Speaking:
    """Answers texts with audio.

    Args:
        voice: who speaks.
        limits: how much.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(self, voice: Voice, limits: Limits, *, pace: float | None) -> None:
        self._voice = voice
        self._limits = limits
        self._pace = pace

    async def answer(self, exchange: Exchange) -> None:
        """Answer one."""
        query = read_query(RequestQuery, exchange.record.query)
        text = self._read(exchange)
        audio = spoken(
            self._voice,
            text,
            query.format,
            speed=query.speed,
            language=query.language,
            pace=self._pace,
        )
        kind = f"audio/{NAMES[query.format.encoding]};rate={query.format.sample_rate_hz}"
        if query.container == "wav":
            audio, kind = _in_wav(audio, query.format), "audio/wav"
        headers = {
            "dg-model-name": query.model,
            "dg-char-count": str(len(text)),
            "dg-request-id": str(uuid.uuid4()),
        }
        await exchange.stream(audio, kind, headers)

    def _read(self, exchange: Exchange) -> str:
        try:
            text = _Body.model_validate(exchange.json()).text
        except ValidationError as error:
            missing = error.errors(include_input=False, include_url=False)[0]["msg"]
            raise Wrong(f"Json deserialize error: {missing}") from None
        if len(text) > self._limits.text_characters:
            raise Wrong("Input text is too long", 413)
        return text


async def _in_wav(
    audio: AsyncGenerator[bytes, None], audio_format: AudioFormat
) -> AsyncGenerator[bytes, None]:
    """A header that does not know how long the audio will be, in two pieces, and the audio."""
    header = wav_header(audio_format)
    yield header[:-4]
    yield header[-4:]
    async for piece in audio:
        yield piece
