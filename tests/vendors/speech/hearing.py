"""What a recognizer is to a stream: audio in, tokens out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from media.audio import AudioFormat

__all__ = ["END", "Heard", "Hearing", "Listening", "Recognizer", "Token", "transcribe"]
__all__ += ["utterances"]

PIECE_MS = 100


@dataclass(frozen=True, slots=True)
class Listening:
    """What a recognizer has to know of its stream.

    Attributes:
        format: the audio's; None for one that the stand-in cannot decode.
        endpoint_ms: the silence, at most, after which a speaker is done (`END`); None does not look
            for that.
        whole_words: whether a token is a whole word: else it is a piece of one.
    """

    format: AudioFormat | None
    endpoint_ms: int | None = None
    whole_words: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a piece of one, with its leading space if it begins one.

    Times count from the stream's start; `END` has none.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    confidence: float = 1.0

    def as_first(self) -> Token:
        """Without the leading space, as a stream's very first token is written."""
        return replace(self, text=self.text.lstrip())


END = Token("<end>")
"""The speaker is done."""


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

    async def listen(self, listening: Listening) -> Recognizer:
        """The recognizer of a stream that begins.

        Raises:
            Refusal: there is none for such a stream.
        """

    async def aclose(self) -> None:
        """Give up what it holds."""


async def transcribe(hearing: Hearing, audio: bytes, listening: Listening) -> list[Token]:
    """All that is said in a recording, such as a file that was sent at once.

    Raises:
        Refusal: there is no recognizer for it.
    """
    recognizer = await hearing.listen(listening)
    tokens: list[Token] = []
    size = listening.format.byte_count(PIECE_MS) if listening.format is not None else len(audio)
    try:
        for at in range(0, len(audio), size):
            await recognizer.hear(audio[at : at + size])
            tokens += recognizer.take().final
        await recognizer.finalize()
        tokens += recognizer.take().final
    finally:
        await recognizer.aclose()
    return [token for token in tokens if token != END]


def utterances(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], bool]]:
    """Final tokens, cut where the speaker has ended; whether that was there."""
    words: list[Token] = []
    for token in tokens:
        if token == END:
            yield words, True
            words = []
        else:
            words.append(token)
    if words:
        yield words, False
