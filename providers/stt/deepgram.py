"""PURE: Deepgram's streaming speech-to-text, `/v1/listen`: Nova, and the models before it.

Source: https://developers.deepgram.com/reference/speech-to-text/listen-streaming

All is asked for in the URL; audio goes in binary frames, an empty one would end the stream. Results
are said anew until they are final; several final ones make an utterance, whose end is told by
silence (`speech_final`) or, where there is noise, by a gap between words (`UtteranceEnd`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..codec import Frame
from ..deepgram import DeepgramAccount, Query
from ..options import AUTO, STT_OPTIONS
from ..types import SttCapabilities, SttOptions
from .deepgram_query import TAGS, asked, encoding, terms
from .deepgram_stream import DeepgramStream, StreamEvent
from .deepgram_words import tokens_of
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Token
from .terms import honoured_with

__all__ = ["DeepgramRecognizer", "DeepgramSttCodec"]

ENDPOINTING_MS = 500
"""By default Deepgram takes 10 ms of silence for an end; a caller who thinks needs more."""
UTTERANCE_END_MS = 1_000
"""The least that it can be."""
LAG_MS = 500.0
"""A word is told when there is so much more audio, at the latest."""
SILENCE_S = 1.0
"""`Finalize` is answered when there is "a noticeable amount of audio" to finalize, else it may not
be: so long an answer is waited for."""
MESSAGE_MS = 1_000.0
"""There are results for so much audio each, empty ones too."""
ROUNDING_MS = 20.0
FIRST_SILENCE_MS = 100.0
_KEEPALIVE = '{"type":"KeepAlive"}'
_FINALIZE = '{"type":"Finalize"}'


class DeepgramRecognizer:
    """The `SttVendor` for Deepgram's `/v1/listen`.

    Args:
        account: key, address, models, language; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "deepgram"
    capabilities = SttCapabilities(
        languages=(*TAGS, AUTO),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        word_times=True,
        boundary="word",
        options=frozenset(STT_OPTIONS),
    )

    def __init__(self, **account: Any) -> None:
        self._account = DeepgramAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> DeepgramSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        query = asked(self.name, self._account, options) + encoding(options.audio)
        # Interim results, since without them there is no `UtteranceEnd`.
        query.append(("interim_results", "true"))
        if options.endpointing:
            delay_ms = options.endpointing_ms
            delay_ms = ENDPOINTING_MS if delay_ms is None else delay_ms
            query.append(("endpointing", str(delay_ms)))
            # Who may pause for longer may do so where there is noise, too.
            query.append(("utterance_end_ms", str(max(UTTERANCE_END_MS, delay_ms))))
        else:
            query.append(("endpointing", "false"))
        return DeepgramSttCodec(self._account, options, query)


class DeepgramSttCodec(DeepgramStream):
    """One connection with the recognizer."""

    provider = DeepgramRecognizer.name
    path = "/v1/listen"
    keepalive_s: float | None = 8.0  # it closes after 10 s
    ready = True

    def __init__(self, account: DeepgramAccount, options: SttOptions, query: Query) -> None:
        super().__init__(account, options, query)
        self._final_ms = 0.0  # up to where results are final, on Deepgram's clock
        self._word_ms = 0.0  # the end of the last final word
        self._has_interim = False

    @property
    def silence_s(self) -> float | None:
        """How long an answer to `Finalize` may be missing; words that are open are answered."""
        return SILENCE_S if self._asked and not self._has_interim else None

    @property
    def behind_ms(self) -> float:
        """Where audio goes on behind the request, results that reach as far are due."""
        goes_on = self._timeline.sent_ms - self._asked[0] > LAG_MS
        return LAG_MS if goes_on else MESSAGE_MS

    def finalize(self) -> Frame | None:
        """Ask for what is not final."""
        if not self._asked and self._timeline.sent_ms - self._final_ms <= ROUNDING_MS:
            return None
        self._asked.append(self._timeline.sent_ms)
        return _FINALIZE

    def keepalive(self) -> Frame:
        """What keeps a stream without audio open: a message, once there was audio."""
        return _KEEPALIVE if self._timeline.sent_ms else self._silence(FIRST_SILENCE_MS)

    def _events(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match message.get("type"):
            case "Results":
                yield from self._results(message)
            case "UtteranceEnd":
                # It may come late, when the next utterance's first words are final.
                if float(message["last_word_end"]) * 1000 >= self._word_ms - ROUNDING_MS:
                    yield Endpoint()
            case "Metadata" if self._closing:
                yield Finished()

    def _results(self, message: Mapping[str, Any]) -> Iterator[HeardEvent]:
        end_ms = (float(message["start"]) + float(message["duration"])) * 1000
        words = message["channel"]["alternatives"][0]["words"]
        tokens: list[Token] = tokens_of(words, self._timeline.place, float(message["start"]) * 1000)
        processed_ms = self._timeline.place(end_ms)
        self._heard_ms = max(self._heard_ms, end_ms)
        if not message.get("is_final"):
            self._has_interim = bool(tokens)
            yield Heard(interim=tokens, processed_ms=processed_ms)
            if not tokens:
                # It has listened to so much more, and found nothing.
                yield from [Finalized()] * self._answered(end_ms - LAG_MS)
            return
        self._has_interim = False
        self._final_ms = max(self._final_ms, end_ms)
        if tokens:
            self._word_ms = float(words[-1].get("end") or 0) * 1000
        self._timeline.forget(self._final_ms)
        yield Heard(final=tokens, processed_ms=processed_ms)
        # What it has finalized may end before what it was sent; an answer that is so much older
        # is the one to a request that is not waited for any more.
        slack_ms = SILENCE_S * 1000 if message.get("from_finalize") else 0.0
        answered = self._answered(end_ms, slack_ms)
        if message.get("speech_final") and self._endpointing and not answered:
            yield Endpoint()
        yield from [Finalized()] * answered

    def _answered(self, until_ms: float, slack_ms: float = 0.0) -> int:
        """How many requests to finalize have their answer now: those for what was sent before
        `until_ms`, and the first also for so much more."""
        answered = 0
        while self._asked and self._asked[0] <= until_ms + max(slack_ms, ROUNDING_MS):
            self._asked.popleft()
            answered += 1
            slack_ms = 0.0
        return answered
