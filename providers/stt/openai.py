"""PURE: OpenAI's transcription sessions of its Realtime API, with `gpt-live-transcribe`.

Source: https://platform.openai.com/docs/guides/realtime-transcription

All is JSON, audio in base64. The session is configured by the first message, and takes audio when
it has said so. The live models have no VAD: speech is cut by our commits, and what was said in each
becomes an item, whose text grows while one speaks and is whole some time after the commit. Audio is
not acknowledged, and words have no times: what is known of a session that is lost is known to the
item.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from media.audio import ULAW_8K, AudioFormat, Encoding

from ..codec import Close, Failed, Frame, Request
from ..errors import (
    ApiError,
    InvalidResponseError,
    ProviderError,
    UnsupportedFormatError,
)
from ..messages import read
from ..offered import check_understood
from ..openai_account import (
    LANGUAGES,
    PCM16_24K,
    SESSION_S,
    OpenAiAccount,
    failure,
    language_code,
    refusal,
    text,
)
from ..types import AUTO, SttCapabilities, SttOptions
from .heard import HeardEvent, Ready
from .openai_items import Items

__all__ = ["OpenAiRecognizer", "OpenAiSttCodec", "transcription"]

PROVIDER = "openai"
SHORTEST_MS = 100.0
"""Less audio is no item."""
ALAW_8K = AudioFormat(Encoding.ALAW, 8_000)
_FORMATS: dict[AudioFormat, dict[str, Any]] = {
    ULAW_8K: {"type": "audio/pcmu"},
    ALAW_8K: {"type": "audio/pcma"},
    PCM16_24K: {"type": "audio/pcm", "rate": 24_000},
}
_WITH_KEYWORDS = ("gpt-transcribe", "gpt-live-transcribe")
"""The models that take several languages, and words to look out for."""


class OpenAiRecognizer:
    """The `SttVendor` for OpenAI.

    Args:
        account: key, addresses, models; see `OpenAiAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER

    def __init__(self, **account: Any) -> None:
        self._account = OpenAiAccount(**account)
        self._account.check_key(PROVIDER)
        self.capabilities = SttCapabilities(
            languages=(*LANGUAGES, AUTO),
            audio=tuple(_FORMATS),
            utterances=True,
            boundary="item",
            options=self.honours(SttOptions()),
        )

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options the model honours that is asked for."""
        return options_of(options.model or self._account.stt_model) | {"interim_results"}

    def codec(self, options: SttOptions) -> OpenAiSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: the language is not on offer.
            UnsupportedFormatError: the audio's format is not.
        """
        check_understood(PROVIDER, self.capabilities, [options.language])
        if options.audio not in _FORMATS:
            raise UnsupportedFormatError(
                PROVIDER,
                "audio in another format than it takes",
                hint="it takes 8 kHz µ-law or A-law, or 24 kHz PCM",
            )
        return OpenAiSttCodec(self._account, options)


class OpenAiSttCodec:
    """One connection with the recognizer."""

    # The engine's pings keep it open.
    keepalive_s: float | None = None
    lasts_s: float | None = SESSION_S
    silence_s: float | None = None  # it answers every commit

    def __init__(self, account: OpenAiAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._items = Items()
        self.ready = False

    def request(self) -> Request:
        """How to connect. A model in the address would make it a conversation."""
        return Request(self._account.socket("intent=transcription"), self._account.headers)

    def opening(self) -> Sequence[Frame]:
        """The configuration."""
        options = self._options
        heard = {
            "format": _FORMATS[options.audio],
            "transcription": transcription(options.model or self._account.stt_model, options),
            "turn_detection": None,
        }
        session = {"type": "transcription", "audio": {"input": heard}}
        return [_frame("session.update", "session", session=session)]

    def audio(self, audio: bytes) -> Frame:
        """Audio, in base64."""
        self._items.sent_ms += self._options.audio.duration_ms(len(audio))
        return _frame("input_audio_buffer.append", audio=base64.b64encode(audio).decode())

    def finalize(self) -> Frame | None:
        """Have what was sent become an item; None when it is too little for one."""
        if self._items.idle and self._items.waiting_ms < SHORTEST_MS:
            return None
        return _frame("input_audio_buffer.commit", self._items.commit())

    def unanswered(self) -> Sequence[HeardEvent]:
        """Nothing: it answers."""
        return ()

    def closing(self) -> Frame:
        """The same: when it is answered, all is."""
        return _frame("input_audio_buffer.commit", self._items.commit(last=True))

    def keepalive(self) -> Frame:
        """Never asked for; to configure the session once more does no harm."""
        return self.opening()[0]

    def closed(self, close: Close) -> Sequence[HeardEvent | Failed]:
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
            return self._events(message)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidResponseError(PROVIDER, "a message is not what it should be") from None

    def _events(self, message: Mapping[str, Any]) -> Sequence[HeardEvent | Failed]:
        match text(message["type"]):
            case "session.updated":
                self.ready = True
                return [Ready()]
            case "input_audio_buffer.committed":
                return self._items.accepted(text(message["item_id"]))
            case "conversation.item.input_audio_transcription.delta":
                piece = text(message.get("delta") or "")
                return self._items.grows(text(message["item_id"]), piece)
            case "conversation.item.input_audio_transcription.completed":
                item_id, said = text(message["item_id"]), text(message["transcript"])
                return self._items.completed(item_id, said, _language(message))
            case "conversation.item.input_audio_transcription.failed":
                return self._item_failed(text(message["item_id"]), dict(message["error"]))
            case "error":
                return self._failed(dict(message["error"]))
        return []

    def _item_failed(self, item_id: str, error: Mapping[str, Any]) -> Sequence[HeardEvent | Failed]:
        if error.get("code") == "audio_unintelligible":
            return self._items.completed(item_id, "", None)
        found = failure(PROVIDER, error)
        if isinstance(found, ApiError):
            # Nothing was wrong with the request: its audio is sent again, on another connection.
            found.retryable = True
        return [Failed(found)]

    def _failed(self, error: Mapping[str, Any]) -> Sequence[HeardEvent | Failed]:
        if error.get("code") == "input_audio_buffer_commit_empty":
            return self._items.refused(error.get("event_id"))
        # The session may stay open, yet something of ours was not taken, perhaps words.
        return [Failed(failure(PROVIDER, error))]


def options_of(model: str) -> frozenset[str]:
    """Which options a model honours, of those that not every one does."""
    if model not in _WITH_KEYWORDS:
        return frozenset({"model"})
    return frozenset({"model", "languages", "key_terms", "phrases"})


def transcription(model: str, options: SttOptions) -> dict[str, Any]:
    """How to transcribe, in a session or a file."""
    asked: dict[str, Any] = {"model": model}
    tags = [tag for tag in (options.language, *options.languages) if tag != AUTO]
    codes = list(dict.fromkeys(map(language_code, tags)))
    if len(codes) > 1 and model in _WITH_KEYWORDS:
        asked["languages"] = codes
    elif options.language != AUTO:
        asked["language"] = language_code(options.language)
    words = list(dict.fromkeys((*options.key_terms, *options.phrases)))
    if words and model in _WITH_KEYWORDS:
        asked["keywords"] = words
    return asked


def _frame(kind: str, event_id: str | None = None, **fields: Any) -> Frame:
    named = {} if event_id is None else {"event_id": event_id}
    return orjson.dumps({"type": kind, **named, **fields}).decode()


def _language(message: Mapping[str, Any]) -> str | None:
    """The first of the languages that were found, if any."""
    found = message.get("languages") or ()
    return text(found[0]["code"]) if found else None
