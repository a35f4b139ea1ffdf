"""PURE: Google Cloud's streaming speech-to-text, `StreamingRecognize`, of version 2 or 1.

Source: https://docs.cloud.google.com/speech-to-text/docs/streaming-recognize

The first message of a call says how to recognize, the others hold audio; when no more comes, all is
made final, and the call ends. That is the only way to have it made final: the next call, on the
same connection, goes on. A call may last five minutes, and ends when nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K, AudioFormat

from ..codec import Close, Failed, Frame, Opener, Reply
from ..errors import ProviderError
from ..google import PROVIDER, GoogleAccount, failure
from ..grpc_call import END, ENDED
from ..types import Delivery, SttCapabilities, SttOptions
from .google_clients import stream_of
from .google_messages import TIMES_NO_WORDS, Api, Asked
from .google_options import able, api_of, asked_for, honoured_by
from .google_words import GoogleResult, tokens_of
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Restarted, Token
from .timeline import Timeline

__all__ = ["GoogleRecognizer", "GoogleSttCodec"]

LASTS_S = 270.0
"""A call is ended after 305 s, however old its connection is; until then a pause is waited for."""
LONGEST_MS = 400
"""Of linear audio at 16 kHz that is 12.8 kB, and 15 kB may be in a message."""
FIRST_SILENCE_MS = 100
ROUNDING_MS = 20.0


class GoogleRecognizer:
    """The `SttVendor` for Google Cloud.

    Args:
        account: key, project, location, model; see `GoogleAccount`.

    Raises:
        MissingKeyError: there is neither a key nor the file of an account.
    """

    name = PROVIDER

    def __init__(self, **account: Any) -> None:
        self._account = GoogleAccount(**account)
        self.capabilities = SttCapabilities(
            languages=able(self._account.model),
            audio=(ULAW_8K, PCM16_16K, PCM16_8K),
            end_of_turn=True,
            word_times=self._account.model != TIMES_NO_WORDS,
            boundary="word",
            delivery=Delivery(longest_ms=LONGEST_MS),
            options=frozenset(
                [
                    *("interim_results", "languages", "model", "punctuation", "profanity_filter"),
                    *("key_terms", "phrases", "endpointing"),
                ]
            ),
        )

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words or languages are left out."""
        return honoured_by(self._account, options, self.capabilities.options)

    def codec(self, options: SttOptions) -> GoogleSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: a language, or the model, is not on offer.
        """
        model = options.model or self._account.model
        api = api_of(self._account, model)
        asked = asked_for(self._account, api, self.capabilities, options, model, options.audio)
        return GoogleSttCodec(stream_of(self._account, api), api, asked, options.audio)


class GoogleSttCodec:
    """One connection with the recognizer, and its calls, one after the other.

    Args:
        opener: how to connect.
        api: the version that is spoken.
        asked: what is asked for.
        audio_format: of what will be sent.
    """

    keepalive_s: float | None = 4.0  # it ends a call after 5 s at the earliest
    lasts_s: float | None = LASTS_S
    silence_s: float | None = None  # the end of a call is sure to be answered

    def __init__(self, opener: Opener, api: Api, asked: Asked, audio_format: AudioFormat) -> None:
        self._opener = opener
        self._api = api
        self._asked = asked
        self._format = audio_format
        self._timeline = Timeline()
        self._final_ms = 0.0  # up to where results are final, on this call's clock
        self._interim: Sequence[Token] = ()
        self._said = False  # something is final since the last end of a turn
        self._speaking = False
        self._finalizing = False
        self._closing = False
        self.ready = True

    def request(self) -> Opener:
        """How to connect."""
        return self._opener

    def opening(self) -> Sequence[Frame]:
        """How to recognize; and a little silence, since a call without audio may be found wrong."""
        return [self._api.opening(self._asked), self._silence(FIRST_SILENCE_MS)]

    def audio(self, audio: bytes) -> Frame:
        """Audio."""
        self._timeline.send(self._format.duration_ms(len(audio)))
        return self._api.audio(audio)

    def finalize(self) -> Frame | None:
        """End the call: nothing else has it make final what it has understood."""
        if self._timeline.stream_ms - self._timeline.place(self._final_ms) <= ROUNDING_MS:
            return None
        self._finalizing, self.ready = True, False
        return END

    def unanswered(self) -> Sequence[HeardEvent | Reply]:
        """Nothing: it answers."""
        return ()

    def closing(self) -> Frame:
        """End the last call."""
        self._closing = True
        return END

    def keepalive(self) -> Frame | None:
        """Silence that is no part of the stream; nothing while a call ends, which takes no more."""
        return None if self._finalizing or self._closing else self._silence(LONGEST_MS)

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """What the end of the connection means, by the call's status."""
        return [] if close.error is None else [Failed(close.error)]

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Nobody refuses so: a call has a status."""
        return failure(PROVIDER, "UNKNOWN", f"HTTP status {status}")

    def decode(self, frame: Frame) -> Sequence[HeardEvent | Failed | Reply]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        if isinstance(frame, str):
            return list(self._over()) if frame == ENDED else ()
        said = self._api.read(PROVIDER, frame)
        events = list(self._heard(said.results))
        if said.speaking is not None:
            self._speaking = said.speaking
        if self._said and not self._speaking and not self._interim and self._asked.events:
            self._said = False
            events.append(Endpoint())
        return events

    def _silence(self, duration_ms: int) -> Frame:
        self._timeline.add(duration_ms)
        return self._api.audio(self._format.silence(duration_ms))

    def _over(self) -> Iterator[HeardEvent | Reply]:
        """The call has ended in order: all that was sent is final."""
        sent_ms = self._timeline.stream_ms
        if self._interim:
            # Google does end calls so, now and then: what it said last is the best there is.
            yield Heard(self._interim)
        if self._finalizing:
            yield Finalized(all_heard=True)
        if self._closing:
            yield Finished()
            return
        self._timeline = Timeline()
        self._final_ms = 0.0
        self._interim, self._said, self._speaking = (), False, False
        self._finalizing, self.ready = False, True
        yield from map(Reply, self.opening())
        yield Restarted(processed_ms=round(sent_ms), is_young=True)

    def _heard(self, results: Sequence[GoogleResult]) -> Iterator[HeardEvent]:
        if not results:
            return
        final: list[Token] = []
        interim: list[Token] = []
        at_ms = self._final_ms
        for result in results:
            tokens = tokens_of(result, at_ms, self._timeline.place)
            (final if result.is_final else interim).extend(tokens)
            at_ms = result.end_ms
            if result.is_final:
                self._final_ms = max(self._final_ms, result.end_ms)
        self._said = self._said or bool(final)
        self._interim = interim
        # A result's end is told to the millisecond, those of its words are not.
        final_ms = self._timeline.place(self._final_ms) if final else 0
        self._timeline.forget(self._final_ms)
        yield Heard(final, interim, final_ms=final_ms)
