"""PURE: Deepgram's Flux, `/v2/listen`: speech-to-text that knows when a turn is over.

Source: https://developers.deepgram.com/docs/flux/quickstart and the pages beside it: `state`,
`force-end-turn`, `close-stream`, `language-prompting`

Deepgram speaks first. While audio comes, about four times a second a `TurnInfo` tells the whole
text of the turn so far; it is final when its event is `EndOfTurn`, which `ForceEndTurn` asks for
where a turn has begun; so when a connection is lost in a turn, all of it is sent again. Silence is
audio, too: there is no message that keeps a stream open. After `CloseStream` the last text is what
there is, and the connection ends without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..codec import Close, Failed, Frame, Reply
from ..deepgram import DeepgramAccount, Query
from ..errors import UnsupportedError, UnsupportedLanguageError
from ..options import AUTO, STT_OPTIONS
from ..types import SttCapabilities, SttOptions
from .deepgram_query import MULTI, encoding, known, terms
from .deepgram_stream import DeepgramStream, StreamEvent
from .deepgram_words import tokens_of
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Ready, Token
from .terms import honoured_with

__all__ = ["FluxCodec", "FluxRecognizer"]

ENGLISH, MULTILINGUAL = "flux-general-en", "flux-general-multi"
SHORTEST_MS, LONGEST_MS = 500, 60_000
"""Of silence, after which a turn is over though it does not sound so."""
CHUNK_MS = 80.0
"""How much audio Flux looks at at a time."""
UNTOLD_MS = 250.0 + CHUNK_MS
"""Of what it has listened to, so much may not have been told yet."""
LAG_MS = 240.0
"""A turn is told when there is so much more audio than its first word, at the latest."""
LEAD_MS = 500.0
"""A turn whose words have no times has begun no more than so long before it was told of."""
SILENCE_S = 1.0
"""So long after `ForceEndTurn` it is sure that there was no turn."""
_FORCE = '{"type":"ForceEndTurn"}'


class FluxRecognizer:
    """The `SttVendor` for Deepgram's Flux.

    Args:
        account: key, address, models, language; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "deepgram-flux"
    capabilities = SttCapabilities(
        languages=(*MULTI, AUTO),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        word_times=True,
        boundary="word",
        options=frozenset(STT_OPTIONS) - {"diarization", "punctuation"},
    )

    def __init__(self, **account: Any) -> None:
        self._account = DeepgramAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> FluxCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: a language, or the delay of endpoints, is not on offer.
        """
        languages = self._languages(options)
        model = options.model or self._account.flux_model
        model = model or (ENGLISH if languages == ["en"] else MULTILINGUAL)
        query = [("model", model), *encoding(options.audio)]
        if model == MULTILINGUAL:
            query += [("language_hint", language) for language in languages]
        elif languages != ["en"]:
            raise self._foreign(languages)
        query += _endpointing(options)
        if options.profanity_filter:
            query.append(("profanity_filter", "true"))
        query += [("keyterm", term) for term in terms(options)]
        return FluxCodec(self._account, options, query)

    def _languages(self, options: SttOptions) -> list[str]:
        """Which languages are spoken; none when that is to be found out."""
        tags = [self._account.language or options.language, *options.languages]
        if tags[0] in (AUTO, "multi"):
            return []
        languages = [known(tag, MULTI) for tag in tags if tag != AUTO]
        if None in languages:
            raise self._foreign(tags)
        return list(dict.fromkeys(filter(None, languages)))

    def _foreign(self, languages: Sequence[str]) -> UnsupportedLanguageError:
        return UnsupportedLanguageError(
            self.name,
            f"language {', '.join(languages) or AUTO} is not on offer",
            hint=f"{MULTILINGUAL} understands {', '.join(MULTI)}, and {ENGLISH} English",
        )


def _endpointing(options: SttOptions) -> list[tuple[str, str]]:
    if not options.endpointing:
        return [("eot_threshold", "1.0"), ("eot_timeout_ms", str(LONGEST_MS))]
    delay_ms = options.endpointing_ms
    if delay_ms is None:
        return []
    if not SHORTEST_MS <= delay_ms <= LONGEST_MS:
        raise UnsupportedError(
            FluxRecognizer.name,
            f"an endpoint after {delay_ms} ms",
            hint=f"it may be {SHORTEST_MS} to {LONGEST_MS} ms",
        )
    return [("eot_timeout_ms", str(delay_ms))]


class FluxCodec(DeepgramStream):
    """One connection with Flux."""

    provider = FluxRecognizer.name
    path = "/v2/listen"
    behind_ms: float = UNTOLD_MS + 2 * CHUNK_MS
    # How long it waits for audio is not told; telephone audio never stops.
    keepalive_s: float | None = 4.0

    def __init__(self, account: DeepgramAccount, options: SttOptions, query: Query) -> None:
        super().__init__(account, options, query)
        self._turn: list[Token] | None = None  # the words of the turn, while there is one
        self._begun_ms = 0.0  # where it begins, at the earliest
        self._done_ms = 0.0  # up to where turns are over, and what was asked for is answered
        self._forced_again = False
        self._told_last = False  # it has spoken since it was told that no more audio comes
        self.ready = False

    @property
    def silence_s(self) -> float | None:
        """How long `ForceEndTurn` may go unanswered: as long as no turn has begun, for ever."""
        return SILENCE_S if self._asked and self._turn is None else None

    def finalize(self) -> Frame | None:
        """End the turn, if there is one or may be one in what was sent since the last."""
        is_over = self._turn is None and self._timeline.sent_ms <= self._done_ms + CHUNK_MS
        if is_over and not self._asked:
            return None
        self._asked.append(self._timeline.sent_ms)
        return _FORCE

    def keepalive(self) -> Frame:
        """Silence, as there is no message for it."""
        return self._silence(CHUNK_MS)

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """The end that was asked for, if all was heard or the frame says so; else a loss."""
        heard_all = self._told_last and self._timeline.sent_ms <= self._heard_ms + UNTOLD_MS
        if self._closing and (close.code is None or heard_all):
            return [Heard(final=self._turn or ()), Finished()]
        return super().closed(close)

    def _events(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match message.get("type"):
            case "Connected":
                self.ready = True
                yield Ready()
            case "TurnInfo":
                yield from self._turn_info(message)

    def _turn_info(self, message: Mapping[str, Any]) -> Iterator[HeardEvent | Reply]:
        self._heard_ms = float(message["audio_window_end"]) * 1000
        self._told_last = self._closing
        processed_ms = self._timeline.place(self._heard_ms)
        if self._turn is None:
            window_ms = float(message["audio_window_start"]) * 1000
            self._begun_ms = max(window_ms, self._heard_ms - LEAD_MS)
        tokens = self._tokens(message)
        if message["event"] == "EndOfTurn":
            self._turn, self._done_ms = None, self._heard_ms
            self._timeline.forget(float(message["audio_window_start"]) * 1000)
            yield Heard(final=tokens, processed_ms=processed_ms)
            is_answer = self._is_answer(message)
            if self._endpointing and not is_answer:
                yield Endpoint()
            if is_answer:
                self._asked.popleft()
                yield Finalized()
        else:
            if tokens or message["event"] == "StartOfTurn":
                self._turn = tokens
            yield Heard(interim=tokens, processed_ms=processed_ms)
        yield from self._settled()

    def _is_answer(self, message: Mapping[str, Any]) -> bool:
        """Whether the end of a turn is what was asked for."""
        if not self._asked:
            return False
        return message.get("trigger") == "manual" or self._has_heard(self._asked[0])

    def _settled(self) -> Iterator[HeardEvent | Reply]:
        """What is asked for and will not be answered any more, since Flux has heard it all."""
        while self._turn is None and self._asked and self._has_heard(self._asked[0] + LAG_MS):
            self._done_ms = max(self._done_ms, self._asked.popleft())
            yield Finalized()
        if self._turn is None:
            self._forced_again = False
        elif self._asked and not self._forced_again and self._has_heard(self._asked[0]):
            # The turn began in audio that Flux had not heard when it was asked to end it.
            self._forced_again = True
            yield Reply(_FORCE)

    def _has_heard(self, until_ms: float) -> bool:
        return until_ms < self._heard_ms + CHUNK_MS

    def _tokens(self, message: Mapping[str, Any]) -> list[Token]:
        """The words of the turn; where they have no times, they share that of the turn."""
        words = message["words"]
        if any(word.get("end") is None for word in words):
            start_s = self._begun_ms / 1000
            each_s = (self._heard_ms / 1000 - start_s) / len(words)
            words = [
                {**word, "start": start_s + at * each_s, "end": start_s + (at + 1) * each_s}
                for at, word in enumerate(words)
            ]
        language = next(iter(message.get("languages") or ()), None)
        named = [{**word, "language": language} for word in words]
        return tokens_of(named, self._timeline.place)
