"""PURE: what recognizers say, put together into transcripts.

Vendors send an utterance in pieces: some stay (final), the rest is said anew each time (interim).
`Utterances` joins them, over several connections if need be, and knows up to where all is said, so
that after a loss nothing is sent again that was understood, and nothing left out that was not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..types import EndOfTurn, SttEvent, Transcript, Word

__all__ = ["Endpoint", "Finalized", "Finished", "Heard", "HeardEvent", "Ready", "Restarted"]
__all__ += ["Token", "Utterances"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a piece of one, with the space before it, if any. Times are the connection's."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    speaker: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """From now on the vendor takes audio; see `SttCodec.ready`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood: `final` tokens are said once, `interim` ones replace those before.

    Attributes:
        processed_ms: how much of the audio the vendor has looked at; None when it does not say.
        sure: so many of the interim tokens are words that stay, though they may be written in
            another way when they get final: so they are kept when the connection is lost.
        final_ms: up to where all is final, by its times, where that is known to be more than up to
            the last final token's end, which may be a rough one.
    """

    final: Sequence[Token] = ()
    interim: Sequence[Token] = ()
    processed_ms: int | None = None
    sure: int = 0
    final_ms: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The vendor finds that the speaker has ended: all of the utterance is final."""


@dataclass(frozen=True, slots=True)
class Finalized:
    """The answer to a request to finalize: all that was sent before it is final.

    Attributes:
        all_heard: it is sure that nothing of that audio will be told of any more, so that it need
            not be sent again, though no word of it may have been heard.
    """

    all_heard: bool = False


@dataclass(frozen=True, slots=True)
class Restarted:
    """On the same connection the vendor begins anew, and takes audio: its times begin at 0 again.

    What is final stays, and is whole words; the audio after it is to be sent again.

    Attributes:
        processed_ms: up to there, by its times until now, it has dealt with the audio as well.
        is_young: whether the age at which the vendor ends the connection is counted from here.
    """

    processed_ms: int = 0
    is_young: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The vendor has said all that it had to say."""


QUIET_MS = 2_000
"""In audio that was looked at so long ago and gave no token, nothing was said."""

HeardEvent = Ready | Heard | Endpoint | Finalized | Restarted | Finished


@dataclass(slots=True)
class Utterances:
    """The transcripts of a stream.

    Attributes:
        done_ms: up to where in the stream everything is said: the rest is to be sent again when the
            connection is lost.
    """

    done_ms: float = 0.0
    _offset_ms: int = 0
    _first: bool = True  # no token of this connection is final yet
    _final: list[Token] = field(default_factory=list)
    _interim: list[Token] = field(default_factory=list)
    _sure: int = 0  # how many of those are kept when the connection is lost
    _whole: int = 0  # how many of the final tokens make whole words
    _settled_ms: int = 0  # up to where the audio of the final tokens is understood
    _heard_ms: int = 0  # up to where anything was understood, by any connection
    _final_ms: int = 0  # up to where it was final
    _told: Token | None = None  # the first that a lost connection told and that is not kept

    def connected(self, offset_ms: float) -> None:
        """A connection begins, whose audio starts there in the stream, between two words."""
        self._offset_ms = round(offset_ms)
        self._first = True

    def heard(self, event: Heard) -> list[SttEvent]:
        """Take what was understood; an interim transcript follows when it has changed."""
        tokens = self._placed([*event.final, *event.interim])
        size = len(event.final)
        interim = tokens[size:]
        changed = size > 0 or interim != self._interim
        self._interim, self._sure = interim, event.sure
        if tokens:
            self._heard_ms = max(self._heard_ms, tokens[-1].end_ms)
        if size:
            self._final_ms = max(self._final_ms, tokens[size - 1].end_ms)
            self._first = False
            self._final += tokens[:size]
            self._settled_ms = max(tokens[size - 1].end_ms, event.final_ms + self._offset_ms)
            self._note_whole()
        elif event.processed_ms is not None and not self._final and not interim:
            self.done_ms = max(self.done_ms, event.processed_ms + self._offset_ms - QUIET_MS)
        return [_transcript(self._final + interim, final=False)] if changed else []

    def endpoint(self) -> list[SttEvent]:
        """The utterance is over, as the vendor finds; nothing when nothing was said in it."""
        if not self._final:
            return []
        transcript = self.take()
        return [transcript, EndOfTurn(transcript.end_ms)]

    def take(self, until_ms: float = 0.0) -> Transcript:
        """The final transcript of what was said since the one before, perhaps empty.

        Args:
            until_ms: up to there in the stream everything was answered, with words or without.
        """
        transcript = _transcript(self._final, final=True)
        self.done_ms = max(self.done_ms, until_ms)
        if self._final:
            self.done_ms = max(self.done_ms, self._final[-1].end_ms, self._settled_ms)
        self._final, self._interim, self._whole, self._sure = [], [], 0, 0
        self._settled_ms = 0
        return transcript

    @property
    def pending(self) -> bool:
        """Whether something final was understood that no final transcript holds yet."""
        return bool(self._final)

    @property
    def idle(self) -> bool:
        """Whether nothing was understood, final or not, that no final transcript holds yet."""
        return not self._final and not self._interim

    def pass_over(self, until_ms: float) -> None:
        """Of the audio before that nothing more will be said."""
        self.done_ms = max(self.done_ms, until_ms)

    @property
    def pending_since_ms(self) -> float:
        """Where in the stream that began; infinite when there is none."""
        return self._final[0].start_ms if self._final else math.inf

    @property
    def told_ms(self) -> float:
        """Where a word begins that a lost connection told, and that is to be told again; infinite
        when there is none."""
        if self._told is None or self._told.end_ms <= self.done_ms:
            return math.inf
        return self._told.start_ms

    @property
    def advance_ms(self) -> int:
        """Grows as the vendor gets on: with what it understands, and again as that gets final."""
        return self._final_ms + self._heard_ms

    def settle(self) -> None:
        """Nothing more will come: what is not final is taken for it."""
        self._final += self._interim
        self._interim, self._sure = [], 0

    def lost(self) -> list[SttEvent]:
        """The connection is lost, and the audio after `done_ms` will be sent again.

        A word whose first pieces alone are final is then said anew, from its beginning. The interim
        transcript is withdrawn: whoever waits for the final one is not to take it for that.
        """
        withdrawn = bool(self._final or self._interim)
        if sure := self._interim[: self._sure]:
            self._final += sure
            self._whole = len(self._final)
            self.done_ms = max(self.done_ms, sure[-1].end_ms)
        again = [*self._final[self._whole :], *self._interim[self._sure :]]
        self._told = again[0] if again else self._told
        del self._final[self._whole :]
        self._interim, self._sure, self._settled_ms = [], 0, 0
        return [Transcript("", final=False)] if withdrawn else []

    def restarted(self, event: Restarted) -> list[SttEvent]:
        """The vendor begins anew; interim transcripts are withdrawn, as by `lost`."""
        withdrawn = bool(self._interim)
        self.done_ms = max(self.done_ms, event.processed_ms + self._offset_ms)
        if self._final:
            self.done_ms = max(self.done_ms, self._final[-1].end_ms)
        self._whole, self._interim = len(self._final), []
        return [_transcript(self._final, final=False)] if withdrawn else []

    def _note_whole(self) -> None:
        """Of a connection's final tokens all but the last word's are sure to make whole words."""
        starts = [at for at, token in enumerate(self._final) if token.text[:1].isspace()]
        if starts and starts[-1] > self._whole:
            self._whole = starts[-1]
            self.done_ms = max(self.done_ms, self._final[self._whole - 1].end_ms)

    def _placed(self, tokens: list[Token]) -> list[Token]:
        """Tokens with the stream's times; the connection's first begins a word."""
        if self._first and tokens and not tokens[0].text[:1].isspace():
            # What came before it went over another connection, so it has no space.
            tokens[0] = replace(tokens[0], text=f" {tokens[0].text}")
        offset_ms = self._offset_ms
        if not offset_ms:
            return tokens
        return [
            replace(token, start_ms=token.start_ms + offset_ms, end_ms=token.end_ms + offset_ms)
            for token in tokens
        ]


def _transcript(tokens: Sequence[Token], *, final: bool) -> Transcript:
    known = [token.confidence for token in tokens if token.confidence is not None]
    return Transcript(
        text="".join(token.text for token in tokens).strip(),
        final=final,
        start_ms=tokens[0].start_ms if tokens else 0,
        end_ms=tokens[-1].end_ms if tokens else 0,
        confidence=sum(known) / len(known) if known else None,
        words=_words(tokens) if final else (),
        language=next((token.language for token in tokens if token.language), None),
    )


def _words(tokens: Sequence[Token]) -> tuple[Word, ...]:
    """The words that tokens make: one begins where a token begins with a space."""
    groups: list[list[Token]] = []
    for token in tokens:
        if not groups or token.text[:1].isspace():
            groups.append([])
        groups[-1].append(token)
    return tuple(_word(group) for group in groups if "".join(t.text for t in group).strip())


def _word(tokens: Sequence[Token]) -> Word:
    known = [token.confidence for token in tokens if token.confidence is not None]
    return Word(
        text="".join(token.text for token in tokens).strip(),
        start_ms=tokens[0].start_ms,
        end_ms=tokens[-1].end_ms,
        confidence=min(known) if known else None,
        speaker=tokens[0].speaker,
    )
