"""PURE: Cartesia's Ink, real-time speech-to-text that is told when somebody has spoken.

Source: https://docs.cartesia.ai/api-reference/stt/websocket

Audio goes as it is, commands are plain words: `finalize`, which `flush_done` answers, and `close`.
A transcript goes on where the last final one ended, perhaps within a word. What is final of an
utterance is given when all of it is: until then nothing tells how far the vendor has listened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from media.audio import PCM16_8K, PCM16_16K, ULAW_8K

from ..cartesia import CartesiaAccount, failure, refusal
from ..codec import Close, Failed, Frame, Request
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..offered import check_understood
from ..tags import general
from ..types import SttCapabilities, SttOptions
from .cartesia_query import DELIVERY, asked, terms
from .heard import Finalized, Finished, Heard, HeardEvent, Token
from .terms import honoured_with
from .timeline import Timeline
from .untimed import shares

__all__ = ["CartesiaRecognizer", "CartesiaSttCodec"]

PROVIDER = "cartesia"
ENGLISH, MULTILINGUAL = "ink-2", "ink-whisper"
_OWN_CODES = {"nb": "no", "fil": "tl", "cmn": "zh", "jv": "jw"}
LANGUAGES = (
    *("en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv"),
    *("it", "id", "hi", "fi", "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no"),
    *("th", "ur", "hr", "bg", "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr"),
    *("az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw"),
    *("gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu"),
    *("am", "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl"),
    *("mg", "as", "tt", "haw", "ln", "ha", "ba", "su", "yue"),
    *_OWN_CODES,
)
"""BCP-47 tags of what `ink-whisper` understands; `ink-2` understands English."""
KEEPALIVE_MS = 100


class CartesiaRecognizer:
    """The `SttVendor` for Cartesia, told when utterances end.

    Args:
        account: key, address, models; see `CartesiaAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = SttCapabilities(
        languages=LANGUAGES,
        audio=(ULAW_8K, PCM16_16K, PCM16_8K),
        utterances=True,
        delivery=DELIVERY,
        options=frozenset(["interim_results", "model", "key_terms", "phrases"]),
    )

    def __init__(self, **account: Any) -> None:
        self._account = CartesiaAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> CartesiaSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: the language is not on offer.
        """
        check_understood(PROVIDER, self.capabilities, [options.language])
        return CartesiaSttCodec(self._account, options)


class CartesiaSttCodec:
    """One connection with the recognizer."""

    # After how long it closes one without audio is not told.
    keepalive_s: float | None = 60.0
    lasts_s: float | None = None
    ready = True
    silence_s: float | None = None  # it answers every `finalize`

    def __init__(self, account: CartesiaAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._format = options.audio
        self._timeline = Timeline()
        self._asked: deque[float] = deque()  # where in the stream utterances end, not answered
        self._done_ms = 0.0  # where the last one ended that is
        self._text = ""  # what is final since then
        self._times: list[tuple[int, int]] = []  # when its words were said, as far as that is told
        self._language: str | None = None

    def request(self) -> Request:
        """How to connect: with the key in the handshake, and all that is asked in the address."""
        account, options = self._account, self._options
        code = general(options.language)
        model = options.model or account.stt_model or (ENGLISH if code == "en" else MULTILINGUAL)
        query = [*asked(model, options), ("language", _OWN_CODES.get(code, code))]
        return Request(account.socket_url("/stt/websocket", query), account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: the URL says it all."""
        return ()

    def audio(self, audio: bytes) -> Frame:
        """Audio is sent as it is."""
        self._timeline.send(self._format.duration_ms(len(audio)))
        return audio

    def finalize(self) -> Frame | None:
        """Have what was sent become final; None when all of it is."""
        if self._timeline.stream_ms == self._done_ms and not self._asked:
            return None
        self._asked.append(self._timeline.stream_ms)
        return "finalize"

    def unanswered(self) -> Sequence[HeardEvent]:
        """Nothing: it answers."""
        return ()

    def closing(self) -> Frame:
        """Ask for the rest."""
        return "close"

    def keepalive(self) -> Frame:
        """A moment of silence: audio is all that counts."""
        self._timeline.add(KEEPALIVE_MS)
        return self._format.silence(KEEPALIVE_MS)

    def closed(self, close: Close) -> Sequence[Failed]:
        """Nothing: what goes wrong is said in a message before."""
        return ()

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(PROVIDER, status, headers, body)

    def decode(self, frame: Frame) -> Sequence[HeardEvent | Failed]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        try:
            return list(self._events(message))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(PROVIDER, "a transcript is not what it should be") from None

    def _events(self, message: Mapping[str, Any]) -> Iterator[HeardEvent | Failed]:
        match message.get("type"):
            case "transcript":
                yield self._told(message)
            case "flush_done" if self._asked:
                end_ms = self._asked.popleft()
                yield Heard(final=self._tokens(self._text, self._times, end_ms))
                self._done_ms, self._text, self._times = end_ms, "", []
                yield Finalized(all_heard=True)
            case "done":
                yield Heard(final=self._tokens(self._text, self._times, self._timeline.stream_ms))
                yield Finished()
            case "error":
                yield Failed(failure(PROVIDER, message))

    def _told(self, message: Mapping[str, Any]) -> Heard:
        """More of what is said; what is final of it as well is given when all of it is."""
        text, times = self._text + message["text"], list(self._times)
        for start_s, end_s in _times(message.get("words") or ()):
            start_ms, end_ms = self._timeline.place(start_s * 1000), end_s * 1000
            times.append((start_ms, self._timeline.place(end_ms)))
        self._language = message.get("language") or self._language
        if message["is_final"]:
            self._text, self._times = text, times
        return Heard(interim=self._tokens(text, times, self._timeline.stream_ms))

    def _tokens(self, text: str, times: Sequence[tuple[int, int]], end_ms: float) -> list[Token]:
        """The words of an utterance; where not each has its time, they share the utterance's."""
        words = text.split()
        if len(times) != len(words):
            times = shares(len(words), min(self._done_ms, end_ms), end_ms)
        return [
            Token(f" {word}", *time, language=self._language)
            for word, time in zip(words, times, strict=True)
        ]


def _times(words: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float]]:
    """When words begin and end, in seconds: each has its own, as Cartesia's page has it, or there
    are lists of them, as its SDK has."""
    for word in words:
        start, end = word["start"], word["end"]
        if isinstance(start, list):
            yield from ((float(one), float(other)) for one, other in zip(start, end, strict=True))
        else:
            yield float(start), float(end)
