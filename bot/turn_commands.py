"""PURE: what turn-taking decides."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Command",
    "EndCall",
    "Finalize",
    "FinishTurn",
    "Interrupt",
    "PromptIdle",
    "Resume",
]


@dataclass(frozen=True, slots=True)
class Finalize:
    """Tell the recognizer that the utterance is over."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop the bot at once: the caller has spoken since `speech_ms`."""

    speech_ms: float


@dataclass(frozen=True, slots=True)
class FinishTurn:
    """The caller's turn is over; the dialog may answer."""

    text: str
    confidence: float | None
    start_ms: float
    end_ms: float
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Resume:
    """What interrupted the bot held no words: say again what was not heard."""


@dataclass(frozen=True, slots=True)
class PromptIdle:
    """Nobody has spoken for long; `count` is 1 for the first prompt in a row."""

    count: int


@dataclass(frozen=True, slots=True)
class EndCall:
    """The call has to end: `idle` or `max_duration`."""

    reason: str


Command = Finalize | Interrupt | FinishTurn | Resume | PromptIdle | EndCall
