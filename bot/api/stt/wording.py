"""How what happens in a session is put to its client: a door's own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from providers.types import Transcript

from . import messages
from .faults import Fault

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Said", "StreamWording", "Wording", "utc_now"]


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was understood in a session.

    Attributes:
        transcript: what, with times on the session's clock, and the language if that is known.
        sequence: its number, or that of the final one before it.
        provider: who understood it.
        channel: in which channel of the audio, from 0.
    """

    transcript: Transcript
    sequence: int
    provider: str
    channel: int


class Wording(Protocol):
    """A door's messages; None is not said there."""

    def started(self, session: Session) -> bytes | None:
        """The session has begun, or was resumed."""

    def said(self, session: Session, said: Said) -> bytes | None:
        """Something was understood."""

    def finalized(self, session: Session) -> bytes | None:
        """All that was said before a `finalize` was told."""

    def configured(self, session: Session) -> bytes | None:
        """Something was changed."""

    def ended(self, session: Session) -> bytes | None:
        """The session has ended."""

    def error(self, fault: Fault) -> bytes:
        """Something went wrong."""


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class StreamWording:
    """The messages of `/stt/stream`, which are those that are kept, too.

    Args:
        expires_after_s: how long a session may be left idle.
        now: the time of day, UTC.
    """

    def __init__(self, expires_after_s: float, now: Callable[[], datetime] = utc_now) -> None:
        self._expires_after_s = expires_after_s
        self._now = now

    def started(self, session: Session) -> bytes:
        """`session_started`."""
        started = messages.SessionStarted.of(
            session.request,
            session_id=session.id,
            provider=session.provider,
            resumed=session.resumed,
            sequence=session.sequence,
            audio_ms=session.from_ms,
            expires_after_s=self._expires_after_s,
            not_honoured=session.not_honoured,
        )
        return messages.render(started)

    def said(self, session: Session, said: Said) -> bytes:
        """`transcription`."""
        transcript = said.transcript
        return messages.render(
            messages.Transcription(
                session_id=session.id,
                sequence=said.sequence,
                text=transcript.text,
                is_final=transcript.final,
                confidence=transcript.confidence,
                language=transcript.language,
                timestamp=self._now(),
                start_ms=transcript.start_ms,
                end_ms=transcript.end_ms,
                words=transcript.words,
                provider=said.provider,
                channel=said.channel,
            )
        )

    def finalized(self, session: Session) -> bytes:
        """`finalized`."""
        return messages.render(messages.Finalized(sequence=session.sequence, timestamp=self._now()))

    def configured(self, session: Session) -> bytes:
        """`config_applied`."""
        applied = messages.ConfigApplied.of(
            session.request, self._now(), not_honoured=session.not_honoured
        )
        return messages.render(applied)

    def ended(self, session: Session) -> bytes:
        """`session_ended`."""
        whole = session.joined.result(session.provider, session.audio_ms)
        return messages.render(
            messages.SessionEnded(
                session_id=session.id,
                reason=session.reason,
                text=whole.text,
                confidence=None if whole.confidence is None else round(whole.confidence, 3),
                audio_ms=round(session.audio_ms),
                sequence=session.sequence,
                timestamp=self._now(),
            )
        )

    def kept_alive(self) -> bytes:
        """`keepalive`."""
        return messages.render(messages.KeptAlive(timestamp=self._now()))

    def error(self, fault: Fault) -> bytes:
        """`error`."""
        return messages.error(fault, self._now().timestamp())
