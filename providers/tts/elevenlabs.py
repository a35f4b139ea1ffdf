"""PURE: ElevenLabs' text-to-speech over a WebSocket with contexts.

Source: https://elevenlabs.io/docs/eleven-api/guides/how-to/websockets/multi-context-web-socket

JSON both ways, audio in base64. Voice, model and language stand in the address, so a connection is
for texts that agree in them. Only a context that is closed says when its audio is over, and one
that is closed before any audio came may end without any: so it is closed as soon as its audio
begins. What is in it is spoken to the end all the same.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from media.audio import ULAW_8K

from ..codec import Close, Failed, Frame, Reply, Request
from ..elevenlabs import PROVIDER, ElevenLabsAccount
from ..elevenlabs_errors import closing, failure, refusal
from ..errors import InvalidResponseError, ProviderError, UnsupportedError
from ..messages import read
from ..types import TtsOptions
from .alignment import Alignment
from .elevenlabs_speech import OPTIONS, ElevenLabsSpeech, Speech
from .spoken import AudioEnd, Spoken, SpokenEvent, Terminated

__all__ = ["ElevenLabsSynthesizer", "ElevenLabsTtsCodec"]

NOT_SERVED = ("eleven_v3", "eleven_v4")
INACTIVITY_S = 180
"""The longest that a context, and a connection without one, may be quiet."""
KEPT = "kept"
"""A context in which nothing is spoken: it keeps the connection open when there is no other."""


class ElevenLabsSynthesizer(ElevenLabsSpeech):
    """The `TtsVendor` for ElevenLabs.

    Args:
        account: key, address, model, voice; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    # It takes five, and one of them keeps the connection.
    max_contexts = 4
    max_text_bytes = 1_200
    texts_per_min: int | None = None
    # It says so in a message.
    refuses_within_s = 0.5

    def __init__(self, **account: Any) -> None:
        super().__init__(**account)
        more = OPTIONS | {"ssml"}
        self.capabilities = replace(self.capabilities, word_positions=True, options=more)

    def route(self, options: TtsOptions) -> tuple[str, str, str | None, bool]:
        """What stands in the address."""
        speech = self.speech(options)
        return speech.voice, speech.model, speech.language, options.ssml

    def codec(self, options: TtsOptions) -> ElevenLabsTtsCodec:
        """The codec of one connection.

        Raises:
            UnsupportedError: an option cannot be honoured.
        """
        self.check(options)
        return ElevenLabsTtsCodec(self.account, options)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """
        model = self.speech(options).model
        if model.startswith(NOT_SERVED):
            raise UnsupportedError(
                self.name,
                f"model {model} is not served over a WebSocket",
                hint="use the provider elevenlabs-http, or another ELEVENLABS_TTS_MODEL",
            )


class ElevenLabsTtsCodec:
    """One connection with the synthesizer, for one voice, model and language."""

    keepalive_s: float | None = INACTIVITY_S / 2
    lasts_s: float | None = None

    def __init__(self, account: ElevenLabsAccount, options: TtsOptions) -> None:
        self._account = account
        self._options = options
        self._speaking: dict[str, _Context] = {}

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        speech = Speech(PROVIDER, self._account, self._options)
        query = [
            ("model_id", speech.model),
            ("output_format", "ulaw_8000"),
            ("inactivity_timeout", str(INACTIVITY_S)),
            # Texts come whole: there is no need to wait for more of them.
            ("auto_mode", "true"),
            ("sync_alignment", "true"),
        ]
        if speech.language is not None:
            query.append(("language_code", speech.language))
        if self._options.ssml:
            query.append(("enable_ssml_parsing", "true"))
        path = ("v1", "text-to-speech", speech.voice, "multi-stream-input")
        return Request(self._account.socket_url(*path, query=query), self._account.headers)

    def opening(self) -> Sequence[Frame]:
        """The context that keeps the connection; to be kept it has to be there."""
        return [_message(KEPT, text=" ")]

    def keepalive(self) -> Frame:
        """What keeps a connection open: empty text for a context."""
        return _message(KEPT, text="")

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(PROVIDER, status, headers, body)

    def closed(self, close: Close) -> Sequence[Failed]:
        """A limit, such as that of contexts, may be told by the close frame alone."""
        error = closing(PROVIDER, close)
        return () if error is None else [Failed(error)]

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """A context's settings, and its whole text; text has to end with a space."""
        self._speaking[context] = _Context(text)
        settings = Speech(PROVIDER, self._account, options).settings()
        return [
            _message(context, text=" ", **settings),
            _message(context, text=f"{text} ", flush=True),
        ]

    def cancel(self, context: str) -> Sequence[Frame]:
        """Speak no more of it. To be closed twice would begin it anew."""
        speaking = self._speaking.get(context)
        if speaking is None or speaking.closing:
            return ()
        speaking.closing = True
        return [_message(context, close_context=True)]

    def decode(self, frame: Frame) -> Sequence[SpokenEvent | Failed | Reply]:
        """What the synthesizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        context = message.get("contextId") or message.get("context_id")
        if isinstance(error := message.get("error"), str):
            return [Failed(failure(PROVIDER, error, str(message.get("message") or error)))]
        if context is not None and not isinstance(context, str):
            raise InvalidResponseError(PROVIDER, "a context's id is no text")
        if context == KEPT and _is_final(message):
            # It was quiet for too long, while others spoke.
            return [Reply(_message(KEPT, text=" "))]
        if context is None or context not in self._speaking:
            return []
        try:
            return self._spoken(context, self._speaking[context], message)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise InvalidResponseError(PROVIDER, "audio is not what it should be") from None

    def _spoken(
        self, context: str, speaking: _Context, message: Mapping[str, Any]
    ) -> list[SpokenEvent | Failed | Reply]:
        events: list[SpokenEvent | Failed | Reply] = []
        if audio := message.get("audio"):
            events.append(speaking.take(context, base64.b64decode(audio, validate=True), message))
            if not speaking.closing:
                speaking.closing = True
                events.append(Reply(_message(context, close_context=True)))
        if _is_final(message):
            if speaking.heard_ms:
                events.append(AudioEnd(context))
            events.append(Terminated(context))
            del self._speaking[context]
        return events


class _Context:
    """A text that is being spoken.

    Attributes:
        closing: whether the vendor was told that nothing more comes.
        heard_ms: how much audio came.
    """

    def __init__(self, text: str) -> None:
        self.closing = False
        self.heard_ms = 0.0
        self._alignment = Alignment(text)

    def take(self, context: str, audio: bytes, message: Mapping[str, Any]) -> Spoken:
        """A piece of audio, with the words that begin in it. Times restart with each piece."""
        times = message.get("alignment") or {}
        words = self._alignment.take(
            times.get("chars") or (), times.get("charStartTimesMs") or (), self.heard_ms
        )
        self.heard_ms += ULAW_8K.duration_ms(len(audio))
        return Spoken(context, audio, words)


def _is_final(message: Mapping[str, Any]) -> bool:
    # Its pages have it in both ways.
    return bool(message.get("isFinal") or message.get("is_final"))


def _message(context: str, **fields: Any) -> Frame:
    return orjson.dumps({"context_id": context, **fields}).decode()
