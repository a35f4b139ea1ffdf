"""Synthesis over HTTP.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.record import Record
from tests.vendors.speech.voices import spoken

from .offer import check_language, decodable
from .refusal import Wrong, invalid_fields
from .speaking import Speaker
from .tts_messages import Locator, VoiceSettings
from .tts_query import check_model

__all__ = ["HttpSpeech"]

WITHOUT_NEIGHBOURS = ("eleven_v3", "eleven_v4")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    text: Annotated[str, Field(min_length=1)]
    model_id: str = "eleven_multilingual_v2"
    language_code: str | None = None
    voice_settings: VoiceSettings | None = None
    pronunciation_dictionary_locators: Annotated[list[Locator], Field(max_length=3)] | None = None
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] | None = None
    previous_text: str | None = None
    next_text: str | None = None
    apply_text_normalization: Literal["auto", "on", "off"] = "auto"


class HttpSpeech:
    """Answers texts with audio.

    Args:
        speaker: who speaks.
    """

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    async def answer(self, exchange: Exchange) -> None:
        """Answer one."""
        record = exchange.record
        audio_format = decodable(_output_format(record))
        body = self._read(exchange)
        voice_id = record.params["voice_id"]
        if voice_id not in self._speaker.voice_ids:
            raise Wrong(
                f"A voice with voice_id {voice_id} was not found.", kind="voice_not_found", code=404
            )
        settings = body.voice_settings
        audio = spoken(
            self._speaker.voice,
            body.text,
            audio_format,
            speed=(settings.speed if settings is not None else None) or 1.0,
            language=body.language_code or "en",
            pace=self._speaker.pace,
        )
        await exchange.stream(audio, "audio/basic", {"character-cost": str(len(body.text))})

    def _read(self, exchange: Exchange) -> _Body:
        try:
            body = _Body.model_validate(exchange.json())
        except ValidationError as error:
            raise invalid_fields(error) from None
        check_model(body.model_id)
        check_language(body.model_id, body.language_code)
        if body.model_id.startswith(WITHOUT_NEIGHBOURS) and (body.previous_text or body.next_text):
            raise Wrong("Providing previous_text or next_text is not yet supported")
        if len(body.text) > self._speaker.limits.text_characters:
            raise Wrong("The text is too long", kind="text_too_long", param="text")
        return body


def _output_format(record: Record) -> str:
    known = {"output_format", "enable_logging", "optimize_streaming_latency"}
    for name in record.query.keys() - known:
        raise Wrong(f"There is no parameter {name}", param=name, code=422)
    return record.asked("output_format") or "mp3_44100_128"
