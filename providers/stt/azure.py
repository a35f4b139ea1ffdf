"""PURE: Azure's real-time speech-to-text, over the WebSocket protocol of its Speech SDKs.

Source: what the SDKs send and take; see `..azure_usp`

A connection has one turn after the other. A turn is opened by `speech.context`, its audio begins as
a WAV file does, and an empty piece of audio ends it; so does the service when nobody has spoken for
a while. There is no message that makes final what was said: we end the turn. The next one begins
when the service has said `turn.end`, with what of the audio it was told nothing of; its times begin
at 0 again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..azure import AzureAccount, closing, failure, refusal, socket_url
from ..azure_marks import Marks
from ..azure_usp import UspMessage, binary_message, json_message, read_usp, speech_config
from ..codec import Close, Failed, Frame, Reply, Request
from ..errors import InvalidResponseError, ProviderError, UnavailableError
from ..offered import check_within
from ..types import SttCapabilities, SttOptions
from .azure_languages import LOCALES, locales
from .azure_progress import Progress
from .azure_turn import (
    ENDPOINT_MS,
    FORCED_MS,
    PATH,
    audio_source,
    context,
    query,
    riff_header,
    terms,
)
from .azure_words import STATUSES, span_ms, words_of
from .heard import Endpoint, Finalized, Finished, Heard, HeardEvent, Restarted, Token
from .terms import honoured_with
from .timeline import Timeline
from .untimed import spread

__all__ = ["AzureRecognizer", "AzureSttCodec"]

PROVIDER = "azure"
SHORTEST_MS, LONGEST_MS = 100, 5_000
"""Of silence, after which an utterance is over."""
MOST_LANGUAGES = 10
SESSION_S = 540.0
"""The SDKs leave a connection after nine minutes: the service closes it after ten."""
IDLE_S = 10.0
KEEPALIVE_MS = 100.0
CUT_EARLY_MS = 1_500.0
"""A word that is being spoken when an utterance is cut may be left to the next one."""
_AUDIO_TYPE = "audio/x-wav"

TurnEvent = HeardEvent | Failed | Reply


class AzureRecognizer:
    """The `SttVendor` for Azure.

    Args:
        marks: makes ids and times.
        account: key, region, addresses; see `AzureAccount`.

    Raises:
        MissingKeyError: there is no key, or no region.
    """

    name = PROVIDER
    capabilities = SttCapabilities(
        languages=LOCALES,
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        end_of_turn=True,
        word_times=True,
        boundary="word",
        options=frozenset(
            [
                *("interim_results", "languages", "model", "key_terms", "phrases"),
                *("profanity_filter", "endpointing", "endpointing_ms"),
            ]
        ),
    )

    def __init__(self, *, marks: Marks | None = None, **account: Any) -> None:
        self._account = AzureAccount(**account)
        self._marks = marks or Marks()

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> AzureSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: a language, so many, or the delay of endpoints, is not on offer.
        """
        spoken = locales(PROVIDER, options, self.capabilities)
        check_within(PROVIDER, "the number of languages", len(spoken), 1, MOST_LANGUAGES)
        if (delay_ms := options.endpointing_ms) is not None:
            check_within(PROVIDER, "an endpoint after ms:", delay_ms, SHORTEST_MS, LONGEST_MS)
        return AzureSttCodec(self._account, self._marks, spoken, options)


class AzureSttCodec:
    """One connection with the recognizer.

    Args:
        account: whose.
        marks: makes ids and times.
        spoken: the locales that may be spoken, by Azure's names.
        options: what is asked for.
    """

    lasts_s: float | None = SESSION_S
    silence_s: float | None = None  # it answers the end of every turn

    def __init__(
        self, account: AzureAccount, marks: Marks, spoken: Sequence[str], options: SttOptions
    ) -> None:
        self._account = account
        self._marks = marks
        self._spoken = spoken
        self._options = options
        self._turns = 0
        self._closing = False
        self._begin()

    def _begin(self) -> None:
        """A turn, of which nothing is said yet."""
        self._turns += 1
        self._turn_id = self._marks.new_id()
        self._timeline = Timeline()
        self._progress = Progress(self._options.endpointing_ms or ENDPOINT_MS)
        self.ready = True
        self.keepalive_s: float | None = IDLE_S

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        options, account = self._options, self._account
        asked = query(self._spoken, options, options.model or account.stt_endpoint_id)
        headers = {**account.headers, "X-ConnectionId": self._marks.new_id()}
        return Request(socket_url(account.stt_url(PATH, asked)), headers)

    def opening(self) -> Sequence[Frame]:
        """Who speaks, and the first turn."""
        config = speech_config(self._marks.now(), audio_source(self._options.audio))
        return [config, *self._turn_opening()]

    def _turn_opening(self) -> Sequence[Frame]:
        now, asked = self._marks.now(), context(self._spoken, self._options)
        return [
            json_message("speech.context", asked, now, self._turn_id),
            self._audio(riff_header(self._options.audio), _AUDIO_TYPE),
        ]

    def audio(self, audio: bytes) -> Frame:
        """Audio of the turn."""
        self._timeline.send(self._options.audio.duration_ms(len(audio)))
        return self._audio(audio)

    def finalize(self) -> Frame | None:
        """The turn's end; none when there is nothing in it."""
        return self._end() if self._timeline.stream_ms else None

    def unanswered(self) -> Sequence[HeardEvent]:
        """Nothing: it answers."""
        return ()

    def closing(self) -> Frame:
        """The last turn's end."""
        self._closing = True
        return self._end()

    def _end(self) -> Frame:
        self.ready = False
        self.keepalive_s = None  # it may be sent nothing more of this turn
        return self._audio(b"")

    def keepalive(self) -> Frame:
        """A moment of silence, as there is no message for it."""
        self._timeline.add(KEEPALIVE_MS)
        return self._audio(self._options.audio.silence(KEEPALIVE_MS))

    def _audio(self, audio: bytes, content_type: str = "") -> Frame:
        return binary_message(
            *("audio", audio, self._marks.now(), self._turn_id),
            content_type=content_type,
            stream=str(self._turns),
        )

    def closed(self, close: Close) -> Sequence[Failed]:
        """What went wrong may be told by the close frame alone."""
        error = closing(PROVIDER, close)
        return () if error is None else [Failed(error)]

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(PROVIDER, status, headers, body)

    def decode(self, frame: Frame) -> Sequence[TurnEvent]:
        """What the recognizer said. What it says of a turn that is over is nothing.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read_usp(PROVIDER, frame)
        if message.request_id != self._turn_id:
            return ()
        try:
            return list(self._events(message))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidResponseError(PROVIDER, "a result is not what it should be") from None

    def _events(self, message: UspMessage) -> Iterator[TurnEvent]:
        match message.path:
            case "speech.hypothesis" | "speech.fragment":
                said = message.json(PROVIDER)
                yield Heard(interim=spread(said["Text"], *self._placed(*span_ms(said))))
            case "speech.phrase":
                yield from self._phrase(message.json(PROVIDER))
            case "speech.enddetected":
                self._progress.fall_silent(span_ms({"Duration": 0, **message.json(PROVIDER)})[1])
            case "turn.end":
                yield from self._turn_end()

    def _phrase(self, phrase: Mapping[str, Any]) -> Iterator[TurnEvent]:
        status = phrase["RecognitionStatus"]
        if status in STATUSES:
            yield Failed(failure(PROVIDER, STATUSES[status], f"it answers {status}", status))
            return
        end_ms = span_ms(phrase)[1]
        if status == "Success":
            self._progress.speak(end_ms)
            tokens = self._tokens(phrase)
            yield Heard(final=tokens, processed_ms=self._timeline.place(end_ms))
            if self._is_endpoint(tokens):
                yield Endpoint()
        else:
            self._progress.fall_silent(end_ms)
            yield Heard(processed_ms=self._timeline.place(end_ms))

    def _tokens(self, phrase: Mapping[str, Any]) -> list[Token]:
        language = (phrase.get("PrimaryLanguage") or {}).get("Language")
        return [
            Token(
                f" {word.text}",
                *self._placed(word.start_ms, word.end_ms),
                confidence=word.confidence,
                language=language,
            )
            for word in words_of(phrase)
        ]

    def _is_endpoint(self, tokens: Sequence[Token]) -> bool:
        """Whether a phrase ends since its speaker has: a long one is cut while one speaks on.

        What has been sent since its last word is no sign of that in a long one: it is there, too,
        when the service is late.
        """
        if not tokens or not self.ready or not self._options.endpointing:
            return False
        if tokens[-1].end_ms - tokens[0].start_ms >= FORCED_MS - CUT_EARLY_MS:
            return False
        silence_ms = self._timeline.stream_ms - tokens[-1].end_ms
        # The end of its last word is not heard that precisely.
        return silence_ms >= (self._options.endpointing_ms or ENDPOINT_MS) / 2

    def _turn_end(self) -> Iterator[TurnEvent]:
        """The turn's end: the one that was asked for, or the service's own."""
        done_ms = self._progress.done_ms
        if not (self.ready or self._progress.is_cut_off(self._timeline.sent_ms)):
            if self._closing:
                yield Finished()
                return
            yield Finalized(all_heard=True)
        elif not done_ms:
            # Another turn would end as soon, and the one after that.
            yield Failed(UnavailableError(PROVIDER, "it ends a turn of which it has said nothing"))
            return
        processed_ms = self._timeline.place(done_ms)
        self._closing = False
        self._begin()
        yield from map(Reply, self._turn_opening())
        yield Restarted(processed_ms)

    def _placed(self, start_ms: float, end_ms: float) -> tuple[int, int]:
        return self._timeline.place(start_ms), self._timeline.place(end_ms)
