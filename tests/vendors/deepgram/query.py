"""What may stand in the URL of each of Deepgram's doors: nothing else is taken.

Source: https://developers.deepgram.com/reference (`listen-streaming`, `listen-flux`,
`listen-pre-recorded`, `speak-streaming`, `speak-request`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from media.audio import AudioFormat, Encoding

from .offer import FLUX_LANGUAGES, VOICES, check_model
from .refusal import Wrong, invalid_fields

__all__ = ["FilesQuery", "FluxQuery", "ListenQuery", "SpeakQuery", "read_query"]

RAW = {"linear16": Encoding.PCM16, "mulaw": Encoding.ULAW, "alaw": Encoding.ALAW}
LISTS = ("keyterm", "keywords", "language_hint", "redact", "replace", "search", "tag", "extra")
TOKEN = re.compile(r"[A-Za-z]{1,3}|\S")
"""How text is cut into tokens is assumed."""
MOST_TOKENS = 500
SttEncoding = Literal[
    "linear16",
    "linear32",
    "flac",
    "alaw",
    "mulaw",
    "amr-nb",
    "amr-wb",
    "opus",
    "ogg-opus",
    "speex",
    "g729",
]
Flag = Literal["true", "false"]
Rate = Annotated[int, Field(ge=8_000, le=48_000)]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: list[str] = []
    mip_opt_out: Flag = "false"


class _Raw(_Query):
    """Of the audio that is brought."""

    encoding: SttEncoding | None = None
    sample_rate: Rate | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Raw:
        if self.encoding in RAW and self.sample_rate is None:
            raise ValueError("sample_rate is required with this encoding")
        return self

    @property
    def format(self) -> AudioFormat | None:
        """The audio's shape; None for one that the stand-in does not decode."""
        if self.encoding not in RAW or self.sample_rate is None:
            return None
        return AudioFormat(RAW[self.encoding], self.sample_rate)


class _Nova(_Raw):
    """What both streams and recordings may ask of Nova."""

    model: str = "base"
    language: str = "en"
    version: str = "latest"
    channels: Literal["1"] = "1"
    multichannel: Literal["false"] = "false"
    smart_format: Flag = "false"
    punctuate: Flag = "false"
    numerals: Flag = "false"
    dictation: Flag = "false"
    profanity_filter: Flag = "false"
    diarize: Flag = "false"
    diarize_model: Literal["latest", "v1"] | None = None
    detect_entities: Flag = "false"
    keyterm: list[str] = []
    keywords: list[str] = []
    redact: list[str] = []
    replace: list[str] = []
    search: list[str] = []
    extra: list[str] = []

    @model_validator(mode="after")
    def _terms(self) -> _Nova:
        is_new = self.model.startswith("nova-3")
        if self.keyterm and not is_new:
            raise ValueError("keyterm is only supported for nova-3")
        if self.keywords and is_new:
            raise ValueError("keywords are not supported for nova-3: use keyterm")
        _check_terms(self.keyterm)
        return self

    @property
    def has_marks(self) -> bool:
        """Whether words are written with capitals and punctuation."""
        return "true" in (self.smart_format, self.punctuate)

    @property
    def has_speakers(self) -> bool:
        """Whether words say whose they are."""
        return self.diarize == "true" or self.diarize_model is not None


class ListenQuery(_Nova):
    """`/v1/listen`, live."""

    interim_results: Flag = "false"
    endpointing: Annotated[int, Field(ge=0)] | Flag = 10
    utterance_end_ms: Annotated[int, Field(ge=1_000)] | None = None
    vad_events: Flag = "false"

    @model_validator(mode="after")
    def _gaps(self) -> ListenQuery:
        if self.utterance_end_ms is not None and self.interim_results == "false":
            raise ValueError("utterance_end_ms requires interim_results=true")
        return self

    @property
    def endpoint_ms(self) -> int | None:
        """After how much silence a speaker has ended."""
        if isinstance(self.endpointing, int):
            return self.endpointing
        return 10 if self.endpointing == "true" else None


class FilesQuery(_Nova):
    """`/v1/listen`, of a recording."""

    detect_language: Flag = "false"
    paragraphs: Flag = "false"
    utterances: Flag = "false"
    utt_split: float | None = None
    filler_words: Flag = "false"
    measurements: Flag = "false"


class FluxQuery(_Raw):
    """`/v2/listen`: nothing of `/v1/listen`'s endpointing and formatting."""

    model: Literal["flux-general-en", "flux-general-multi"]
    encoding: Literal["linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus"] | None = None
    eot_threshold: Annotated[float, Field(ge=0.5, le=1.0)] = 0.7
    eager_eot_threshold: Annotated[float, Field(ge=0.3, le=0.9)] | None = None
    eot_timeout_ms: Annotated[int, Field(ge=500, le=60_000)] = 5_000
    keyterm: list[str] = []
    language_hint: list[str] = []
    numerals: Flag = "false"
    profanity_filter: Flag = "false"
    redact: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> FluxQuery:
        _check_terms(self.keyterm)
        if (self.eager_eot_threshold or 0) > self.eot_threshold:
            raise ValueError("eager_eot_threshold must not exceed eot_threshold")
        if self.language_hint and self.model == "flux-general-en":
            raise ValueError("language_hint is only supported for flux-general-multi")
        if {hint.partition("-")[0] for hint in self.language_hint} - FLUX_LANGUAGES:
            raise ValueError("language_hint is not supported")
        return self


class SpeakQuery(_Query):
    """`/v1/speak`; over HTTP there are more encodings, and containers."""

    model: str = "aura-asteria-en"
    encoding: Literal["linear16", "mulaw", "alaw"] = "linear16"
    sample_rate: Literal["8000", "16000", "24000", "32000", "48000"] | None = None
    speed: Annotated[float, Field(ge=0.7, le=1.5)] = 1.0

    @model_validator(mode="after")
    def _known(self) -> SpeakQuery:
        if self.model not in VOICES:
            raise ValueError("No such model/voice found")
        if self.encoding != "linear16" and self.sample_rate not in (None, "8000", "16000"):
            raise ValueError("sample_rate is not supported for this encoding")
        if self.speed != 1.0 and self.language not in ("en", "es"):
            raise ValueError("speed is not supported for this model")
        return self

    @property
    def language(self) -> str:
        return self.model.rpartition("-")[2]

    @property
    def format(self) -> AudioFormat:
        """The audio's shape."""
        usual = 24_000 if self.encoding == "linear16" else 8_000
        return AudioFormat(RAW[self.encoding], int(self.sample_rate or usual))


def _check_terms(terms: Sequence[str]) -> None:
    """See that all together are not too many tokens.

    Raises:
        ValueError: they are.
    """
    if sum(len(TOKEN.findall(term)) for term in terms) > MOST_TOKENS:
        raise ValueError(f"keyterms may have {MOST_TOKENS} tokens in all")


_Known = TypeVar("_Known", bound=_Query)


def read_query(kind: type[_Known], query: Mapping[str, list[str]]) -> _Known:
    """Read it.

    Raises:
        Wrong: it is not one that can be served.
    """
    for name, values in query.items():
        if name not in LISTS and len(values) > 1:
            raise Wrong(f"Failed to deserialize query parameters: duplicate field `{name}`")
    fields = {name: values if name in LISTS else values[0] for name, values in query.items()}
    try:
        read = kind.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None
    if isinstance(read, _Nova):
        check_model(read.model, read.language)
    return read
