"""What a client wants of a recognition: in the address, in `speech.config`, in `speech.context`.

As Microsoft's SDKs send it: the native one, version 1.53, and the one for JavaScript, whose sources
are public. Nothing else is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tests.vendors.speech.refusal import Json, Refusal

from .refusal import Wrong, invalid_fields

__all__ = ["LOCALES", "ShortQuery", "SttContext", "SttQuery", "read_config", "read_context"]
__all__ += ["read_query"]

LOCALES = frozenset(
    [
        "en-US",
        "en-GB",
        "en-AU",
        "en-IN",
        "de-DE",
        "de-AT",
        "es-ES",
        "es-MX",
        "fr-FR",
        "fr-CA",
        "it-IT",
        "nl-NL",
        "pt-BR",
        "ja-JP",
        "zh-CN",
        "ar-DZ",
        "ar-EG",
    ]
)
"""Of the locales that Azure understands."""
MOST_LANGUAGES, MOST_TERMS = 10, 500
Flag = Literal["true", "false"]
Profanity = Literal["masked", "removed", "raw"]
Milliseconds = Annotated[int, Field(ge=100, le=5_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ShortQuery(BaseModel):
    """What both a stream and a short recording may ask for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    format: Literal["simple", "detailed"] = "simple"
    profanity: Profanity = "masked"
    cid: str | None = None

    @field_validator("language")
    @classmethod
    def _is_known(cls, language: str) -> str:
        if language not in LOCALES:
            raise ValueError("the language is not supported")
        return language


class SttQuery(ShortQuery):
    """The address of a stream."""

    wordLevelTimestamps: Flag = "false"
    wordLevelConfidence: Flag = "false"
    lidEnabled: str = ""
    initialSilenceTimeoutMs: Annotated[int, Field(gt=0)] | None = None
    segmentationSilenceTimeoutMs: Milliseconds | None = None
    stableIntermediateThreshold: Annotated[int, Field(ge=0)] | None = None


class _Segmentation(_Strict):
    mode: Literal["Normal", "Disabled", "Custom", "Semantic"] = "Normal"
    silence_ms: Milliseconds | None = Field(default=None, alias="segmentationSilenceTimeoutMs")
    forced_ms: Annotated[int, Field(ge=20_000, le=70_000)] | None = Field(
        default=None, alias="segmentationForcedTimeoutMs"
    )


class _Mode(_Strict):
    segmentation: _Segmentation = Field(default_factory=_Segmentation)


class _Enrichment(_Strict):
    profanity: Profanity | None = None


class _Action(_Strict):
    action: str


class _Detection(_Strict):
    language: str | None = None
    mode: Literal["CONVERSATION", "INTERACTIVE", "DICTATION"] | None = None
    conversation: _Mode = Field(default_factory=_Mode, alias="CONVERSATION")
    enrichment: _Enrichment | None = None
    initial_silence_ms: int | None = Field(default=None, alias="initialSilenceTimeout")
    on_success: _Action | None = Field(default=None, alias="onSuccess")
    on_interim: _Action | None = Field(default=None, alias="onInterim")


class _Languages(_Strict):
    languages: Annotated[list[str], Field(min_length=1, max_length=MOST_LANGUAGES)]
    mode: Literal["DetectContinuous", "DetectAtAudioStart"]
    priority: str | None = Field(default=None, alias="Priority")
    on_success: _Action | None = Field(default=None, alias="onSuccess")
    on_unknown: _Action | None = Field(default=None, alias="onUnknown")


class _Term(_Strict):
    text: Annotated[str, Field(min_length=1, alias="Text")]


class _Group(_Strict):
    type: Literal["Generic"] = Field(alias="Type")
    items: Annotated[list[_Term], Field(max_length=MOST_TERMS, alias="Items")]


class _Terms(_Strict):
    groups: list[_Group] = Field(alias="Groups")
    bias: float = 1.0


class _Detailed(_Strict):
    options: list[Literal["WordTimings", "WordConfidence", "SNR"]] = []


class _Output(_Strict):
    format: Literal["Simple", "Detailed"] = "Simple"
    detailed: _Detailed = Field(default_factory=_Detailed)
    interim: dict[str, Any] | None = Field(default=None, alias="interimResults")
    phrases: dict[str, Any] | None = Field(default=None, alias="phraseResults")


class _Streams(_Strict):
    streams: dict[str, Any]


class _Continuation(_Strict):
    tag: str = Field(alias="previousServiceTag")
    audio: _Streams | None = None


class SttContext(_Strict):
    """How a turn is to be understood."""

    detection: _Detection = Field(default_factory=_Detection, alias="phraseDetection")
    output: _Output = Field(default_factory=_Output, alias="phraseOutput")
    languages: _Languages | None = Field(default=None, alias="languageId")
    terms: _Terms | None = Field(default=None, alias="dgi")
    audio: _Streams | None = None
    continuation: _Continuation | None = None

    @property
    def silence_ms(self) -> int | None:
        """After how much silence an utterance is over; None is the service's own."""
        return self.detection.conversation.segmentation.silence_ms

    @property
    def forced_ms(self) -> int | None:
        """After how long one is cut, though one speaks on; None is the service's own."""
        return self.detection.conversation.segmentation.forced_ms


class _Source(BaseModel):
    type: Literal["Stream", "File", "Microphones"]


class _Config(_Strict):
    class _System(BaseModel):
        name: str
        version: str

    class _Audio(BaseModel):
        source: _Source

    class _Context(BaseModel):
        system: _Config._System
        os: dict[str, str] | None = None
        audio: _Config._Audio | None = None

    context: _Context


_Known = TypeVar("_Known", bound=ShortQuery)


def read_query(kind: type[_Known], query: Mapping[str, list[str]]) -> _Known:
    """Read the address's query.

    Raises:
        Refusal: it asks for what is not on offer.
    """
    try:
        return kind.model_validate({name: values[-1] for name, values in query.items()})
    except ValidationError as error:
        raise invalid_fields(error, "query") from None


def read_config(body: Json) -> None:
    """Read `speech.config`; raises as `read_query` does."""
    try:
        _Config.model_validate(body)
    except ValidationError as error:
        raise invalid_fields(error, "speech.config") from None


def read_context(body: Json, query: SttQuery) -> SttContext:
    """Read `speech.context`; raises as `read_query` does."""
    try:
        context = SttContext.model_validate(body)
    except ValidationError as error:
        raise invalid_fields(error, "speech.context") from None
    named = [context.detection.language] if context.detection.language else []
    if context.languages is not None:
        named = context.languages.languages
        if query.lidEnabled.split(",") != named:
            raise Wrong("speech.context: languageId is not what lidEnabled says")
    if not LOCALES.issuperset(named):
        raise Refusal(400, None, "speech.context: the language is not supported")
    return context
