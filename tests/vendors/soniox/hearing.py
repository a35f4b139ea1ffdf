"""What a recognizer is to a stream: audio in, tokens out, and how tokens are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from .refusal import Json
from .stt_config import SttConfig

__all__ = ["END", "FIN", "Heard", "Hearing", "Recognizer", "Token", "token_json"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a word, with its leading space if it begins one.

    Times count from the stream's start; special tokens have none.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    confidence: float = 1.0

    def as_first(self) -> Token:
        """Without the leading space, as Soniox writes a stream's very first token (assumed)."""
        return replace(self, text=self.text.lstrip())


END = Token("<end>")
"""The speaker is done."""
FIN = Token("<fin>")
"""What came before a `finalize` is final."""


@dataclass(frozen=True, slots=True)
class Heard:
    """News of a recognizer: tokens that became final, once each, and all that may still change."""

    final: Sequence[Token] = ()
    interim: Sequence[Token] = ()


class Recognizer(Protocol):
    """Listens to one stream."""

    @property
    def final_ms(self) -> int:
        """Up to where the stream's tokens are final."""

    @property
    def in_word(self) -> bool:
        """Whether a word's audio has begun to come, and its end has not come."""

    async def hear(self, audio: bytes) -> None:
        """Take the stream's next audio."""

    async def finalize(self) -> None:
        """Have all that was understood so far become final."""

    def take(self) -> Heard:
        """What is new since the last time."""

    async def aclose(self) -> None:
        """The stream is over."""


class Hearing(Protocol):
    """Gives each stream its recognizer."""

    async def start(self) -> None:
        """Load what it needs."""

    async def listen(self, config: SttConfig) -> Recognizer:
        """The recognizer of a stream that begins.

        Raises:
            Refusal: there is none for such a stream.
        """

    async def aclose(self) -> None:
        """Give up what it holds."""


def token_json(token: Token, config: SttConfig, *, final: bool) -> Json:
    """One token of a message."""
    written: Json = {"text": token.text}
    if token.start_ms is not None:
        written |= {"start_ms": token.start_ms, "end_ms": token.end_ms}
    written |= {"confidence": token.confidence, "is_final": final}
    if token.start_ms is not None and config.enable_speaker_diarization:
        written["speaker"] = "1"
    if token.start_ms is not None and config.enable_language_identification:
        written["language"] = (config.language_hints or ["en"])[0]
    return written
