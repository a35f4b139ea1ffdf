"""What a client wants of a text's audio: the message `synthesis.context`.

As Microsoft's SDKs send it, version 1.53 of the native one: there is no documentation.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from media.audio import AudioFormat
from tests.vendors.speech.refusal import Json, Refusal

from .refusal import invalid_fields
from .ssml import check_style, check_voice, speed_of
from .voices import FORMATS

__all__ = ["Metadata", "Synthesis", "TextInput", "decodable", "read_context"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class Metadata(_Strict):
    """What is to be told of the audio."""

    words: bool = Field(default=False, alias="wordBoundaryEnabled")
    punctuation: bool = Field(default=False, alias="punctuationBoundaryEnabled")
    sentences: bool = Field(default=False, alias="sentenceBoundaryEnabled")
    visemes: bool = Field(default=False, alias="visemeEnabled")
    bookmarks: bool = Field(default=False, alias="bookmarkEnabled")
    end: bool = Field(default=False, alias="sessionEndEnabled")


class _Audio(_Strict):
    output_format: str = Field(alias="outputFormat")
    metadata: Metadata = Field(default_factory=Metadata, alias="metadataOptions")


class _Language(_Strict):
    detected: bool = Field(default=False, alias="autoDetection")


class TextInput(_Strict):
    """How a text is spoken that is given piece by piece, without SSML."""

    bidirectional: Literal[True] = Field(alias="bidirectionalStreamingMode")
    voice: str = Field(alias="voiceName")
    language: str = ""
    rate: str | None = None
    pitch: str | None = None
    volume: str | None = None
    style: str | None = None
    temperature: str | None = None
    preferred: str | None = Field(default=None, alias="preferLocales")

    def speed(self, complaints: list[str]) -> float:
        """How fast; what is ignored is noted among the complaints.

        Raises:
            Refusal: nobody can speak it.
        """
        check_voice(self.voice)
        check_style(self.voice, self.style, complaints)
        given = {"rate": self.rate, "pitch": self.pitch, "volume": self.volume}
        told = {name: value for name, value in given.items() if value is not None}
        return speed_of(told, complaints)


class Synthesis(_Strict):
    """All of it."""

    audio: _Audio
    language: _Language = Field(default_factory=_Language)
    input: TextInput | None = None


class _Context(_Strict):
    synthesis: Synthesis


def read_context(body: Json, *, pieces: bool) -> Synthesis:
    """Read one.

    Args:
        body: of the message.
        pieces: whether texts are given piece by piece here.

    Raises:
        Refusal: it is none, or wants what there is not.
    """
    try:
        wanted = _Context.model_validate(body).synthesis
    except ValidationError as error:
        raise invalid_fields(error, "synthesis.context") from None
    decodable(wanted.audio.output_format)
    if (wanted.input is not None) is not pieces:
        raise Refusal(400, None, "this address is not for that kind of input")
    return wanted


def decodable(output_format: str | None) -> AudioFormat:
    """A format's shape.

    Raises:
        Refusal: there is no such format, or the stand-in does not encode it.
    """
    if output_format not in FORMATS:
        raise Refusal(400, None, f"Unsupported output format {output_format}.")
    shape = FORMATS[output_format]
    if shape is None:
        raise Refusal(400, None, f"{output_format} is not simulated.")
    return shape
