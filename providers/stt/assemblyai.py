"""PURE: AssemblyAI's Universal-Streaming, speech-to-text that knows when a turn is over.

Source: https://www.assemblyai.com/docs/streaming/message-sequence, and `turn-detection`,
`keyterms-prompting` beside it; `Heartbeat` is in AssemblyAI's own SDK (1.8.2)

Audio goes in messages of 50 to 1000 ms, and no faster than it is spoken: see `Delivery`. A `Turn`
tells the whole turn so far, and which of its words will not change. A turn that is over is told
once, or twice if it is to be written with marks and capitals: then the second is acted on.
`ForceEndpoint` ends a turn; where none has begun nothing answers it. While nobody speaks,
heartbeats tell how much audio has arrived. A session that is not terminated is billed until it
expires, so each is: that also makes sure that nothing was said, when no other sign does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..assemblyai import PROVIDER, AssemblyAiAccount, closing, failure, refusal
from ..codec import Close, Failed, Frame, Reply, Request
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..offered import check_understood
from ..options import AUTO
from ..types import Delivery, SttCapabilities, SttOptions
from .assemblyai_query import LANGUAGES, UNIVERSAL, WHISPER, asked, model_of, terms
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Ready, Token
from .terms import honoured_with
from .timeline import Timeline

__all__ = ["AssemblyAiCodec", "AssemblyAiRecognizer"]

SHORTEST_MS, LONGEST_MS, AHEAD_MS = 50.0, 250.0, 750.0
"""Of a message, which might be of a second: less than that goes at once, as clocks differ."""
SHORTEST_WORD_MS = 300.0
"""In less audio since a turn was over there is no other turn."""
SESSION_S = 10_500.0
"""A session lasts three hours: another one begins in some pause before that."""
SILENCE_S = 1.0
"""So long after `ForceEndpoint` there is no turn."""
LONGEST_BEAT_MS = 2_000.0
"""With fewer heartbeats the vendor may have stalled since the last."""
LATE_S = 0.5
"""So long after its text alone the one with marks and capitals is late."""
_FORCE, _TERMINATE = '{"type":"ForceEndpoint"}', '{"type":"Terminate"}'

StreamEvent = HeardEvent | Failed | Reply


class AssemblyAiRecognizer:
    """The `SttVendor` for AssemblyAI.

    Args:
        account: key, address, model; see `AssemblyAiAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = SttCapabilities(
        languages=(*LANGUAGES, AUTO),
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        word_times=True,
        boundary="word",
        delivery=Delivery(shortest_ms=SHORTEST_MS, longest_ms=LONGEST_MS, ahead_ms=AHEAD_MS),
        options=frozenset(
            [
                *("interim_results", "languages", "model", "key_terms", "phrases", "diarization"),
                *("punctuation", "profanity_filter", "endpointing", "endpointing_ms"),
            ]
        ),
    )

    def __init__(self, **account: Any) -> None:
        self._account = AssemblyAiAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out, nor text without marks
        by a model that always has them, nor languages by one that finds out what is spoken."""
        honoured = honoured_with(terms(options), options, self.capabilities.options)
        model = model_of(self._account, options)
        if model == WHISPER:
            honoured -= {"languages"}
        if options.punctuation is not False or model in UNIVERSAL:
            return honoured
        return honoured - {"punctuation"}

    def codec(self, options: SttOptions) -> AssemblyAiCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        check_understood(PROVIDER, self.capabilities, (options.language, *options.languages))
        return AssemblyAiCodec(self._account, options)


class AssemblyAiCodec:
    """One session."""

    # It is kept without audio, unless `inactivity_timeout` is asked for.
    keepalive_s: float | None = None

    def __init__(self, account: AssemblyAiAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._format = options.audio
        self._timeline = Timeline()
        self._turn: Sequence[Token] | None = None  # the words of the turn, while there is one
        self._order = self._last_order = -1  # of that turn, and of the last that is over
        self._is_plain = False  # it is over, and will be told once more
        self._received_ms = 0.0  # so much audio has arrived, as the vendor counts
        self._beat_ms = 0.0  # of audio, between the last two heartbeats
        self._done_ms = -SHORTEST_WORD_MS  # so much was sent when the last turn was over
        # How much audio was sent before each request to finalize that is not answered.
        self._asked: deque[float] = deque()
        self._terminating = False
        self._closing = False
        self.lasts_s: float | None = SESSION_S
        self.ready = False

    @property
    def silence_s(self) -> float | None:
        """How long `ForceEndpoint` may go unanswered, or a turn's last text be missing."""
        if self._terminating:
            return None
        if self._turn is None:
            return SILENCE_S if self._asked else None
        return LATE_S if self._is_plain else None

    def request(self) -> Request:
        """How to connect: with the key in the handshake, and all that is asked in the address."""
        account = self._account
        url = account.socket_url(asked(account, self._options))
        return Request(url, account.headers, self.parting)

    def parting(self) -> Sequence[Frame]:
        """A session that is left for whatever reason is over as well."""
        return () if self._closing or self._terminating else (_TERMINATE,)

    def opening(self) -> Sequence[Frame]:
        """Nothing: the URL says it all."""
        return ()

    def audio(self, audio: bytes) -> Frame:
        """Audio; silence makes up what a message lacks to be long enough."""
        duration_ms = self._format.duration_ms(len(audio))
        self._timeline.send(duration_ms)
        if duration_ms >= SHORTEST_MS:
            return audio
        self._timeline.add(SHORTEST_MS - duration_ms)
        return audio + self._format.silence(SHORTEST_MS - duration_ms)

    def finalize(self) -> Frame | None:
        """End the turn, if there is one or may be one in what was sent since the last."""
        waiting_ms = self._timeline.sent_ms - self._done_ms
        if self._turn is None and not self._asked and waiting_ms < SHORTEST_WORD_MS:
            return None
        self._asked.append(self._timeline.sent_ms)
        return _FORCE

    def unanswered(self) -> Sequence[HeardEvent | Reply]:
        """There was nothing to finalize, if it has arrived, as far as heartbeats tell; else the
        session's end is sure to tell."""
        if self._turn is not None:
            return list(self._over(self._turn))
        if self._received_ms + self._beat_ms > self._asked[0]:
            self._done_ms = self._asked.popleft()
            return [Finalized()]
        self._terminating, self.ready, self.lasts_s = True, False, 0.0
        return [Reply(_TERMINATE)]

    def closing(self) -> Frame:
        """Ask for the rest."""
        self._closing = True
        return _TERMINATE

    def keepalive(self) -> Frame:
        """Never asked for."""
        return '{"type":"KeepAlive"}'

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
        """What went wrong may be told by the close frame alone."""
        return closing(close)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(status, headers, body)

    def decode(self, frame: Frame) -> Sequence[StreamEvent]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        try:
            return list(self._events(message))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(PROVIDER, "a message is not what it should be") from None

    def _events(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match message.get("type"):
            case "Begin":
                self.ready = True
                yield Ready()
            case "Turn":
                yield from self._told(message)
            case "Heartbeat":
                received_ms = float(message["total_audio_received_ms"])
                self._beat_ms = min(received_ms - self._received_ms, LONGEST_BEAT_MS)
                self._received_ms = received_ms
                if self._turn is None:
                    yield Heard(processed_ms=self._timeline.place(self._received_ms))
            case "Termination":
                yield from self._terminated()
            case "Error":
                yield Failed(failure(int(message.get("error_code") or 0), str(message["error"])))

    def _told(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        order = int(message["turn_order"])
        if order <= self._last_order:
            return  # it was acted on
        if self._turn is not None and order > self._order:
            # Of that one the text with marks and capitals never came.
            yield from self._over(self._turn)
        is_new, self._order = self._turn is None, order
        self._turn = tokens = self._tokens(message)
        is_over, is_written = message["end_of_turn"], message["turn_is_formatted"]
        if is_over and (is_written or self._options.punctuation is False):
            yield from self._over(tokens)
            return
        self._is_plain = is_over
        words = message["words"]
        sure = len(words) if is_over else sum(bool(word["word_is_final"]) for word in words)
        yield Heard(interim=tokens, sure=sure)
        if is_new and self._asked:
            # It has begun in audio that was not heard yet when it was asked to end.
            yield Reply(_FORCE)

    def _over(self, tokens: Sequence[Token]) -> Iterator[HeardEvent]:
        """A turn is over: that is the answer if it was asked for."""
        self._turn, self._last_order, self._is_plain = None, self._order, False
        self._done_ms = self._asked[0] if self._asked else self._timeline.sent_ms
        yield Heard(final=tokens)
        if self._asked:
            self._asked.popleft()
            yield Finalized()
        elif self._options.endpointing:
            yield Endpoint()

    def _terminated(self) -> Iterator[HeardEvent]:
        """The vendor has said all that it had to say."""
        yield Heard(final=self._turn or ())
        self._turn = None
        if self._closing:
            yield Finished()
        while self._asked:
            self._asked.popleft()
            yield Finalized(all_heard=True)

    def _tokens(self, message: Mapping[str, Any]) -> list[Token]:
        language = message.get("language_code")
        if message["words"]:
            # No later turn begins before this one.
            self._timeline.forget(float(message["words"][0]["start"]))
        return [
            Token(
                f" {str(word['text']).strip()}",
                self._timeline.place(float(word["start"])),
                self._timeline.place(float(word["end"])),
                float(word["confidence"]),
                speaker=word.get("speaker"),
                language=language,
            )
            for word in message["words"]
        ]
