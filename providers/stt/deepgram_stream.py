"""PURE: what the codecs of both kinds of Deepgram's streams do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..codec import Close, Failed, Frame, Reply, Request
from ..deepgram import DeepgramAccount, Query, ended, failure, told
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..types import SttOptions
from .heard import Finalized, HeardEvent
from .timeline import Timeline

__all__ = ["DeepgramStream", "StreamEvent"]

StreamEvent = HeardEvent | Failed | Reply
_CLOSE = '{"type":"CloseStream"}'


class DeepgramStream(ABC):
    """One connection with a recognizer, but for what it is asked and what it says.

    Args:
        account: whose, and where.
        options: what is asked.
        query: likewise, as the URL has it.

    Attributes:
        provider: the catalogue name.
        path: of the URL.
    """

    provider: ClassVar[str]
    path: ClassVar[str]
    lasts_s: float | None = None

    def __init__(self, account: DeepgramAccount, options: SttOptions, query: Query) -> None:
        self._account = account
        self._query = query
        self._endpointing = options.endpointing
        self._format = options.audio
        self._timeline = Timeline()
        self._heard_ms = 0.0  # up to where it has told anything, on Deepgram's clock
        # Up to where there was audio at each request to finalize that is not answered.
        self._asked: deque[float] = deque()
        self._closing = False

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        return Request(self._account.socket_url(self.path, self._query), self._account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: the URL says it all."""
        return ()

    def audio(self, audio: bytes) -> Frame:
        """Audio is sent as it is."""
        self._timeline.send(self._format.duration_ms(len(audio)))
        return audio

    def _silence(self, duration_ms: float) -> bytes:
        """Silence to be sent that is no part of the stream."""
        self._timeline.add(duration_ms)
        return self._format.silence(duration_ms)

    def unanswered(self) -> Sequence[HeardEvent]:
        """There was nothing to finalize, if it has got so far."""
        if self._asked[0] - self._heard_ms > self.behind_ms:
            return ()
        self._asked.popleft()
        return [Finalized()]

    def closing(self) -> Frame:
        """Ask for the rest."""
        self._closing = True
        return _CLOSE

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """An error, when it was for what was sent."""
        return ended(self.provider, close)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return failure(self.provider, status, headers, body)

    def decode(self, frame: Frame) -> Sequence[StreamEvent]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(self.provider, frame)
        if message.get("type") == "Error":
            return [Failed(told(self.provider, message))]
        try:
            return list(self._events(message))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise InvalidResponseError(
                self.provider, "a message is not what it should be"
            ) from None

    @property
    @abstractmethod
    def behind_ms(self) -> float:
        """A recognizer that has told nothing of so much audio has stalled, or is slow."""

    @abstractmethod
    def _events(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """What a message means; none of a kind that is not known.

        Raises:
            KeyError, TypeError, ValueError, AttributeError, IndexError: it is not what it should
                be.
        """
