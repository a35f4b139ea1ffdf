"""PURE: Cartesia's Ink where it finds turns by itself, `/stt/turns/websocket`.

Source: https://docs.cartesia.ai/api-reference/stt/turns/websocket, and `stt/turns`, `compare-stt-
endpoints` beside it

Each event tells the whole text of the turn so far, without times. There is no message that ends a
turn: to finalize one, the silence after which it is over is made as short as it may be. Where no
audio comes after it, silence is put in; where no turn has begun, the session is closed, which is
answered with all that is left to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..cartesia import CartesiaAccount, failure, refusal
from ..codec import Close, Failed, Frame, Reply, Request
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..offered import check_understood, check_within
from ..types import SttCapabilities, SttOptions
from .cartesia_query import DELIVERY, asked, terms
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Token
from .terms import honoured_with
from .timeline import Timeline
from .untimed import spread

__all__ = ["CartesiaTurnsCodec", "CartesiaTurnsRecognizer"]

MODEL = "ink-2"
SHORTEST_MS, LONGEST_MS, USUAL_MS = 640, 11_200, 5_600
"""Of silence, after which a turn is over though it does not sound so."""
SHORTEST_WORD_MS = 300.0
"""In less audio since a turn was over there is no other turn."""
LEAD_MS = 500.0
"""A turn has begun no more than so long before it was told of."""
KEEPALIVE_MS, CHUNK_MS = 100, 100
SILENCE_S, LATE_S = 1.0, 1.5
"""So long after audio has ended there is no turn that was not told of; and after so long one that
was is over, if silence has come."""
_CLOSE = '{"type":"close"}'
_IN_ORDER = (1000, None)

StreamEvent = HeardEvent | Failed | Reply


class CartesiaTurnsRecognizer:
    """The `SttVendor` for Cartesia, which finds the ends of turns.

    Args:
        account: key, address, models; see `CartesiaAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "cartesia-turns"
    capabilities = SttCapabilities(
        languages=("en",),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        boundary="item",
        delivery=DELIVERY,
        options=frozenset(
            [
                *("interim_results", "model", "key_terms", "phrases"),
                *("endpointing", "endpointing_ms"),
            ]
        ),
    )

    def __init__(self, **account: Any) -> None:
        self._account = CartesiaAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> CartesiaTurnsCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: the language, or the delay of endpoints, is not on offer.
        """
        check_understood(self.name, self.capabilities, [options.language])
        if options.endpointing_ms is not None:
            check_within(
                self.name, "endpointing_ms", options.endpointing_ms, SHORTEST_MS, LONGEST_MS
            )
        return CartesiaTurnsCodec(self._account, options)


class CartesiaTurnsCodec:
    """One connection with the recognizer."""

    provider = CartesiaTurnsRecognizer.name
    # After how long it closes one without audio is not told.
    keepalive_s: float | None = 60.0

    def __init__(self, account: CartesiaAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._format = options.audio
        self._timeline = Timeline()
        self._text: str | None = None  # of the turn, while there is one
        self._begun_ms = 0.0  # where it begins, in the stream
        self._told_ms = 0.0  # how much of the stream was sent when its text changed last
        self._done_ms = 0.0  # where the one before has ended, in the stream
        self._quiet_ms = -SHORTEST_WORD_MS  # how much of the stream was sent when that was told
        self._asked = 0  # requests to finalize that are not answered
        self._asked_ms = 0.0  # how much of the stream was sent before the last of them
        self._is_hurried = False  # turns end after as little silence as they may
        self._ending = False  # it was closed, to have an answer
        self._closing = False
        self.lasts_s: float | None = None
        self.ready = True

    @property
    def silence_s(self) -> float | None:
        """How long nothing may be heard of a turn, or of its end."""
        if not self._asked or self._ending:
            return None
        return SILENCE_S if self._text is None else LATE_S

    def request(self) -> Request:
        """How to connect: with the key in the handshake, and all that is asked in the address."""
        account, options = self._account, self._options
        query = asked(options.model or MODEL, options)
        if options.endpointing_ms is not None:
            query.append(("turn_end_timeout_ms", str(options.endpointing_ms)))
        return Request(account.socket_url("/stt/turns/websocket", query), account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: the URL says it all."""
        return ()

    def audio(self, audio: bytes) -> Frame:
        """Audio is sent as it is."""
        self._timeline.send(self._format.duration_ms(len(audio)))
        return audio

    def finalize(self) -> Frame | None:
        """End the turn soon, if there is one or may be one in what was sent since the last."""
        waiting_ms = self._timeline.stream_ms - self._quiet_ms
        if self._text is None and not self._asked and waiting_ms < SHORTEST_WORD_MS:
            return None
        self._asked += 1
        self._asked_ms = self._timeline.stream_ms
        self._is_hurried = True
        return _config(SHORTEST_MS)

    def unanswered(self) -> Sequence[Reply]:
        """No turn, or no end of it: what the vendor says before it closes is sure to be all.

        A turn behind which no audio has come is given the silence that ends it, first.
        """
        if self._text is not None and self._timeline.stream_ms == self._asked_ms:
            self._asked_ms = -1.0
            return [Reply(self._silence(SHORTEST_MS + CHUNK_MS))]
        self._ending, self.ready, self.lasts_s = True, False, 0.0
        return [Reply(_CLOSE)]

    def closing(self) -> Frame:
        """Ask for the rest."""
        self._closing = True
        return _CLOSE

    def keepalive(self) -> Frame:
        """A moment of silence: audio is all that counts."""
        return self._silence(KEEPALIVE_MS)

    def _silence(self, duration_ms: float) -> bytes:
        """Silence to be sent that is no part of the stream."""
        self._timeline.add(duration_ms)
        return self._format.silence(duration_ms)

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """The end that was asked for, if it was closed in order."""
        if close.code not in _IN_ORDER or not (self._closing or self._ending):
            return ()
        rest = Heard(final=self._tokens(self._timeline.stream_ms))
        if self._closing:
            return [rest, Finished()]
        answers, self._asked = self._asked, 0
        return [rest, *[Finalized(all_heard=True)] * answers]

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(self.provider, status, headers, body)

    def decode(self, frame: Frame) -> Sequence[StreamEvent]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(self.provider, frame)
        try:
            return list(self._events(message))
        except (KeyError, TypeError, AttributeError):
            raise InvalidResponseError(self.provider, "a turn is not what it should be") from None

    def _events(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match message.get("type"):
            case "turn.start":
                self._grow("")
                yield Heard()
            case "turn.update":
                self._grow(message["transcript"])
                yield Heard(interim=self._tokens(self._timeline.stream_ms))
            case "turn.end":
                self._grow(message["transcript"], is_last=True)
                yield from self._over()
            case "error":
                yield Failed(failure(self.provider, message))

    def _grow(self, text: str, *, is_last: bool = False) -> None:
        """More is known of the turn, or its beginning; the last time it may be its marks alone."""
        before, self._text = self._text, text.strip()
        if before is None:
            self._begun_ms = max(self._done_ms, self._timeline.stream_ms - LEAD_MS)
        has_more = len(self._text.split()) > len((before or "").split())
        if before is None or has_more or (self._text != before and not is_last):
            self._told_ms = self._timeline.stream_ms

    def _over(self) -> Iterator[StreamEvent]:
        """The turn is over: that is the answer if it was asked for.

        What was sent since its last word was told may not have been listened to yet.
        """
        self._quiet_ms, self._done_ms = self._timeline.stream_ms, self._told_ms
        yield Heard(final=self._tokens(self._done_ms))
        self._text = None
        if self._asked:
            self._asked -= 1
            yield Finalized()
        elif self._options.endpointing:
            yield Endpoint()
        if self._is_hurried and not self._asked:
            self._is_hurried = False
            yield Reply(_config(self._options.endpointing_ms or USUAL_MS))

    def _tokens(self, end_ms: float) -> Sequence[Token]:
        """The words of the turn, which share its time."""
        return spread(self._text or "", self._begun_ms, max(self._begun_ms, end_ms))


def _config(end_timeout_ms: int) -> Frame:
    return orjson.dumps({"type": "config", "turn": {"end_timeout_ms": end_timeout_ms}}).decode()
