"""PURE: Cartesia's Sonic, text-to-speech over a WebSocket with contexts.

Source: https://docs.cartesia.ai/api-reference/tts/websocket, and `use-the-api/tts-websocket/
contexts`, `concurrency-limits-and-timeouts` beside it

JSON both ways, audio in base64. A context is one text, with all that is said of how to speak it. It
is over when the vendor has said `done`; what was on its way when it was cancelled comes before
that.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from media.audio import ULAW_8K

from ..cartesia import CartesiaAccount, failure, refusal
from ..codec import Close, Failed, Frame, Request
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..offered import check_within, unspoken
from ..tags import general
from ..types import TtsCapabilities, TtsOptions, Voice
from .alignment import Alignment
from .cartesia_voices import CartesiaVoices
from .spoken import AudioEnd, ContextFailed, Spoken, SpokenEvent, Terminated

__all__ = ["CartesiaSynthesizer", "CartesiaTtsCodec"]

PROVIDER = "cartesia"
SLOWEST, FASTEST = 0.6, 1.5
SOFTEST, LOUDEST = 0.5, 2.0
_OWN_CODES = {"nb": "no", "nn": "no", "fil": "tl", "cmn": "zh"}
LANGUAGES = (
    *("en", "fr", "de", "es", "pt", "zh", "ja", "hi", "it", "ko", "nl", "pl", "ru", "sv", "tr"),
    *("tl", "bg", "ro", "ar", "cs", "el", "fi", "hr", "ms", "sk", "da", "ta", "uk", "hu", "no"),
    *("vi", "bn", "th", "he", "ka", "id", "te", "gu", "kn", "ml", "mr", "pa", "or", "ur"),
    *_OWN_CODES,
)
"""BCP-47 tags of what Sonic 3 speaks."""
_FORMAT = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": ULAW_8K.sample_rate_hz}


class CartesiaSynthesizer:
    """The `TtsVendor` for Cartesia.

    Args:
        account: key, address, model, voice; see `CartesiaAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = TtsCapabilities(
        languages=LANGUAGES,
        word_positions=True,
        options=frozenset({"speed", "volume", "model", "pronunciations"}),
    )
    format = ULAW_8K
    # A connection carries dozens; the account, by its plan, fewer.
    max_contexts = 10
    max_text_bytes = 1_200
    texts_per_min: int | None = None
    refuses_within_s = 0.0

    def __init__(self, **account: Any) -> None:
        self._account = CartesiaAccount(**account)
        self.voice_pages = CartesiaVoices(PROVIDER, self._account)

    def route(self, options: TtsOptions) -> tuple[()]:
        """Every connection speaks everything."""
        return ()

    def codec(self, options: TtsOptions) -> CartesiaTtsCodec:
        """The codec of one connection."""
        return CartesiaTtsCodec(self._account)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(PROVIDER, status, headers, body)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language, the speed, the volume, or a second dictionary is not on
                offer.
        """
        if _code(options.language) not in LANGUAGES:
            raise unspoken(PROVIDER, options.language, LANGUAGES)
        check_within(PROVIDER, "speed", options.speed, SLOWEST, FASTEST)
        if options.volume is not None:
            check_within(PROVIDER, "volume", options.volume, SOFTEST, LOUDEST)
        check_within(PROVIDER, "number of pronunciations", len(options.pronunciations), 0, 1)

    def voices(self) -> Sequence[Voice]:
        """None is known without asking."""
        return ()


class CartesiaTtsCodec:
    """One connection with the synthesizer."""

    # It closes one after five minutes without a text, and nothing but a text keeps it: another one
    # is opened for the next.
    keepalive_s: float | None = None
    lasts_s: float | None = None

    def __init__(self, account: CartesiaAccount) -> None:
        self._account = account
        self._texts: dict[str, Alignment] = {}

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        return Request(self._account.socket_url("/tts/websocket"), self._account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: each context brings its own settings."""
        return ()

    def keepalive(self) -> Frame:
        """Never asked for; to cancel what there is not does no harm."""
        return self.cancel("none")[0]

    def closed(self, close: Close) -> Sequence[Failed]:
        """Nothing: what goes wrong is said in a message before."""
        return ()

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(PROVIDER, status, headers, body)

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """A context, with its whole text."""
        self._texts[context] = Alignment(text)
        account = self._account
        told: dict[str, Any] = {
            "context_id": context,
            "model_id": options.model or account.tts_model,
            "transcript": text,
            "voice": {"mode": "id", "id": options.voice or account.voice_id},
            "output_format": _FORMAT,
            "language": _code(options.language),
            "continue": False,
            "add_timestamps": True,
        }
        manner = {"speed": options.speed if options.speed != 1.0 else None}
        manner["volume"] = options.volume
        if config := {name: value for name, value in manner.items() if value is not None}:
            told["generation_config"] = config
        if options.pronunciations:
            told["pronunciation_dict_id"] = options.pronunciations[0]
        return [orjson.dumps(told).decode()]

    def cancel(self, context: str) -> Sequence[Frame]:
        """Speak no more of it: whether `done` is said of one that had not begun is not told."""
        self._texts.pop(context, None)
        return [orjson.dumps({"context_id": context, "cancel": True}).decode()]

    def decode(self, frame: Frame) -> Sequence[SpokenEvent | Failed]:
        """What the synthesizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        context = message.get("context_id")
        if context is not None and not isinstance(context, str):
            raise InvalidResponseError(PROVIDER, "a context's id is no text")
        if message.get("type") == "error":
            error = failure(PROVIDER, message)
            if context is None:
                return [Failed(error)]
            self._texts.pop(context, None)
            return [ContextFailed(context, error)]
        if context is None:
            return []
        try:
            return list(self._events(context, message))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise InvalidResponseError(PROVIDER, "audio is not what it should be") from None

    def _events(self, context: str, message: Mapping[str, Any]) -> Iterator[SpokenEvent]:
        match message.get("type"):
            case "chunk":
                yield Spoken(context, base64.b64decode(message["data"], validate=True))
            case "timestamps" if context in self._texts:
                if (times := message.get("word_timestamps")) is None:
                    return
                starts_ms = [float(start_s) * 1000 for start_s in times["start"]]
                words = self._texts[context].take(times["words"], starts_ms, 0.0)
                yield Spoken(context, b"", words)
            case "done":
                self._texts.pop(context, None)
                yield AudioEnd(context)
                yield Terminated(context)


def _code(tag: str) -> str:
    """Cartesia's code for a BCP-47 tag: the language, without the region."""
    code = general(tag)
    return _OWN_CODES.get(code, code)
