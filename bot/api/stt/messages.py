"""PURE: what the service tells the clients of its WebSockets, as JSON.

Each message is a dataclass: clients get its fields, all of them, and the descriptions of the API
are made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from providers.results import Word

from .asked import SessionRequest
from .faults import Fault

__all__ = ["ASR_MESSAGES", "SERVER_MESSAGES", "AsrComplete", "AsrReady", "AsrTranscript"]
__all__ += ["ConfigApplied", "Finalized", "KeptAlive", "Message", "SessionEnded"]
__all__ += ["SessionStarted", "Transcription", "asr_error", "error", "render"]

SessionId = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Count = Annotated[int, Field(ge=0)]
Ms = Annotated[int, Field(ge=0, description="in ms, from the session's first audio on")]
Confidence = Annotated[float | None, Field(ge=0, le=1, description="null: nobody knows")]
RateHz = Annotated[int, Field(gt=0, description="in Hz, of bare audio; containers know their own")]
Channels = Annotated[Literal[1, 2], Field(description="of bare audio; containers know their own")]
SequenceNumber = Annotated[
    int, Field(ge=0, description="the number of the latest final transcription, from 1")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted:
    """Audio may be sent.

    Attributes:
        resumed: whether it is a session that was there before.
        audio_ms: from where in the session's audio the client is to send on; a container begins
            anew there, with its head.
        expires_after_s: how long nothing may come before the session expires.
        ignored: parameters that were given and mean nothing.
        not_honoured: parameters of which the recognizer makes nothing.
    """

    type: Literal["session_started"] = "session_started"
    session_id: SessionId
    language: str
    provider: str
    sample_rate: RateHz
    encoding: str
    channels: Channels
    resumed: bool
    sequence: SequenceNumber
    audio_ms: Ms
    expires_after_s: Annotated[float, Field(ge=0)]
    ignored: tuple[str, ...]
    not_honoured: tuple[str, ...]

    @classmethod
    def of(
        cls,
        request: SessionRequest,
        *,
        session_id: str,
        provider: str,
        resumed: bool = False,
        sequence: int = 0,
        audio_ms: int = 0,
        expires_after_s: float,
        not_honoured: tuple[str, ...] = (),
    ) -> SessionStarted:
        """The start, or the resuming, of the session that was asked for."""
        return cls(
            session_id=session_id,
            language=request.language,
            provider=provider,
            sample_rate=request.sample_rate_hz,
            encoding=request.encoding,
            channels=request.channels,
            resumed=resumed,
            sequence=sequence,
            audio_ms=audio_ms,
            expires_after_s=expires_after_s,
            ignored=request.ignored,
            not_honoured=not_honoured,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What was understood of one utterance: so far, or for good (`is_final`).

    One that is not final replaces the one before it, and has the `sequence` of the last final one.

    Attributes:
        timestamp: when it was known.
        channel: which channel of stereo audio that is split, from 0.
    """

    type: Literal["transcription"] = "transcription"
    session_id: SessionId
    sequence: SequenceNumber
    text: str = field(repr=False)
    is_final: bool
    confidence: Confidence
    language: str | None
    timestamp: datetime
    start_ms: Ms
    end_ms: Ms
    words: Sequence[Word] = field(repr=False)
    provider: str
    channel: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """All audio that came before a `finalize` is transcribed, and was told."""

    type: Literal["finalized"] = "finalized"
    sequence: SequenceNumber
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAlive:
    """The answer to a `keepalive`."""

    type: Literal["keepalive"] = "keepalive"
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigApplied:
    """What holds after a `config`."""

    type: Literal["config_applied"] = "config_applied"
    language: str
    sample_rate: RateHz
    encoding: str
    channels: Channels
    stereo: Literal["mix", "split"]
    interim_results: bool
    punctuation: bool | None
    profanity_filter: bool
    diarization: bool
    key_terms: tuple[str, ...]
    phrases: tuple[str, ...]
    ignored: tuple[str, ...]
    not_honoured: tuple[str, ...]
    timestamp: datetime

    @classmethod
    def of(
        cls, request: SessionRequest, timestamp: datetime, *, not_honoured: tuple[str, ...] = ()
    ) -> ConfigApplied:
        """What the request says now."""
        return cls(
            language=request.language,
            sample_rate=request.sample_rate_hz,
            encoding=request.encoding,
            channels=request.channels,
            stereo=request.stereo,
            interim_results=request.interim_results,
            punctuation=request.punctuation,
            profanity_filter=request.profanity_filter,
            diarization=request.diarization,
            key_terms=request.key_terms,
            phrases=request.phrases,
            ignored=request.ignored,
            not_honoured=not_honoured,
            timestamp=timestamp,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    """The last message: everything that was said has been told.

    Attributes:
        reason: who or what ended it: `client`, or the code of an error.
        text: all that was understood.
        confidence: of all of it.
    """

    type: Literal["session_ended"] = "session_ended"
    session_id: SessionId
    reason: str
    text: str = field(repr=False)
    confidence: Confidence
    audio_ms: Ms
    sequence: SequenceNumber
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrReady:
    """The answer to the configuration on `/ws/asr-stream`: audio may be sent."""

    type: Literal["metadata"] = "metadata"
    session_id: SessionId
    language_code: str
    sample_rate_hertz: RateHz
    encoding: str
    provider: str
    ignored: tuple[str, ...] = ()
    status: Literal["ready"] = "ready"

    @classmethod
    def of(cls, request: SessionRequest, *, session_id: str, provider: str) -> AsrReady:
        """The start of the session that was asked for."""
        return cls(
            session_id=session_id,
            language_code=request.language,
            sample_rate_hertz=request.sample_rate_hz,
            encoding=request.encoding,
            provider=provider,
            ignored=request.ignored,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrTranscript:
    """What was understood of one utterance on `/ws/asr-stream`: so far, or for good."""

    type: Literal["transcript"] = "transcript"
    text: str = field(repr=False)
    is_final: bool
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class AsrComplete:
    """Everything that was said on `/ws/asr-stream` has been told."""

    type: Literal["complete"] = "complete"


Message = SessionStarted | Transcription | Finalized | KeptAlive | ConfigApplied | SessionEnded
AsrMessage = AsrReady | AsrTranscript | AsrComplete

SERVER_MESSAGES: tuple[type[Message], ...] = (
    SessionStarted,
    Transcription,
    Finalized,
    KeptAlive,
    ConfigApplied,
    SessionEnded,
)
"""All messages of `/stt/stream` but errors."""
ASR_MESSAGES: tuple[type[AsrMessage], ...] = (AsrReady, AsrTranscript, AsrComplete)
"""All messages of `/ws/asr-stream` but errors."""


def render(message: Message | AsrMessage) -> bytes:
    """A message as its client gets it."""
    return orjson.dumps(message, option=orjson.OPT_UTC_Z)


def error(fault: Fault, now_s: float) -> bytes:
    """What a client of `/stt/stream` is told that is wrong; `now_s` is the Unix time."""
    return _json({"type": "error", **fault.values(now_s)})


def asr_error(fault: Fault, now_s: float) -> bytes:
    """What a client of `/ws/asr-stream` is told that is wrong; `now_s` is the Unix time."""
    values = fault.values(now_s)
    return _json({"type": "error", "detail": values.pop("error"), **values})


def _json(values: dict[str, Any]) -> bytes:
    return orjson.dumps(values)
