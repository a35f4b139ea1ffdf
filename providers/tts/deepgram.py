"""PURE: Deepgram's text-to-speech over a WebSocket, `/v1/speak`: Aura.

Source: https://developers.deepgram.com/reference/text-to-speech/speak-streaming

The voice stands in the URL, so a connection has one. It speaks one text after another, and does not
say which: what comes is of the text that was flushed last, until `Flushed`. A text that is not
wanted any more is cleared; what is said before `Cleared` is no one's.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import orjson

from ..codec import Close, Failed, Frame, Request
from ..deepgram import DeepgramAccount, Query, ended, failure, told
from ..errors import ProviderError, UnavailableError
from ..messages import read
from ..types import TtsOptions
from .deepgram_speech import DeepgramSpeech
from .spoken import AudioEnd, Spoken, SpokenEvent, Terminated

__all__ = ["DeepgramSynthesizer", "DeepgramTtsCodec"]

_FLUSH = '{"type":"Flush"}'
_CLEAR = '{"type":"Clear"}'


class DeepgramSynthesizer(DeepgramSpeech):
    """The `TtsVendor` for Deepgram's WebSocket.

    Args:
        account: key, address, voice; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    max_contexts = 1
    # It takes 20 flushes in a minute of its own clock, and each text is one.
    texts_per_min: int | None = 18
    refuses_within_s = 0.0

    def route(self, options: TtsOptions) -> Hashable:
        """A connection has one voice, and one speed."""
        return tuple(self.query(options))

    def codec(self, options: TtsOptions) -> DeepgramTtsCodec:
        """The codec of one connection."""
        return DeepgramTtsCodec(self.account, self.query(options))


class DeepgramTtsCodec:
    """One connection with the synthesizer."""

    keepalive_s: float | None = None
    lasts_s: float | None = 55 * 60.0  # it closes after an hour

    def __init__(self, account: DeepgramAccount, query: Query) -> None:
        self._account = account
        self._query = query
        self._context: str | None = None  # what is being spoken
        self._cleared: str | None = None  # what was, until that is confirmed
        self._after_clear = False  # nothing was said since the last text was cleared

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        return Request(self._account.socket_url("/v1/speak", self._query), self._account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: the URL says it all."""
        return ()

    def keepalive(self) -> Frame:
        """Never said: a connection is kept without a word."""
        return _FLUSH

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """A text, and that it is whole."""
        self._context = context
        return [orjson.dumps({"type": "Speak", "text": text}).decode(), _FLUSH]

    def cancel(self, context: str) -> Sequence[Frame]:
        """Have the rest of a text dropped."""
        if context != self._context:
            return ()
        self._context, self._cleared = None, context
        self._after_clear = True
        return [_CLEAR]

    def closed(self, close: Close) -> Sequence[SpokenEvent | Failed]:
        """An error, when it was for what was sent."""
        return ended(DeepgramSynthesizer.name, close)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return failure(DeepgramSynthesizer.name, status, headers, body)

    def decode(self, frame: Frame) -> Sequence[SpokenEvent | Failed]:
        """What the synthesizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        if isinstance(frame, bytes):
            if self._context is None:
                return ()
            self._after_clear = False
            return [Spoken(self._context, frame)]
        message = read(DeepgramSynthesizer.name, frame)
        match message.get("type"):
            case "Flushed":
                return self._flushed()
            case "Cleared" if self._cleared is not None:
                context, self._cleared = self._cleared, None
                return [Terminated(context)]
            case "Warning" if "flush" in str(message).lower():
                # The text stays where it is, and would be spoken with the next one.
                text = "it takes no more texts on this connection for now"
                return [Failed(UnavailableError(DeepgramSynthesizer.name, text))]
            case "Error":
                return [Failed(told(DeepgramSynthesizer.name, message))]
        return ()

    def _flushed(self) -> Sequence[SpokenEvent]:
        # Whether a text that was cleared is said to be flushed, too, is not told: one that ends
        # without a sound, right after such a text, has not begun.
        if self._context is None or self._after_clear:
            return ()
        context, self._context = self._context, None
        return [AudioEnd(context), Terminated(context)]
