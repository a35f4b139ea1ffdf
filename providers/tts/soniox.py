"""PURE: Soniox's real-time text-to-speech, `tts-rt-v2`.

Source: https://soniox.com/docs/tts/api-reference/websocket-api

JSON both ways. A connection carries up to five streams at a time, each with an id of ours; a stream
is over when the vendor has said `terminated`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from media.audio import ULAW_8K

from ..codec import Close, Failed, Frame, Request
from ..errors import (
    InvalidResponseError,
    ProviderError,
)
from ..messages import read
from ..offered import check_within, unspoken
from ..soniox import LANGUAGES, PROVIDER, SonioxAccount, failure, language_code, refusal
from ..types import TtsCapabilities, TtsOptions, Voice
from .spoken import AudioEnd, ContextFailed, Spoken, SpokenEvent, Terminated

__all__ = ["SonioxSynthesizer", "SonioxTtsCodec"]

VOICE = "Adrian"
SLOWEST, FASTEST = 0.7, 1.3
_KEEPALIVE = '{"keep_alive":true}'


class SonioxSynthesizer:
    """The `TtsVendor` for Soniox.

    Args:
        account: key, region, addresses, models; see `SonioxAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = TtsCapabilities(languages=LANGUAGES, options=frozenset({"speed", "model"}))
    format = ULAW_8K
    max_contexts = 5
    # It would take 5,000, but a stream may last no longer than two minutes.
    max_text_bytes = 1_200
    texts_per_min: int | None = None
    refuses_within_s = 0.0
    voice_pages = None

    def __init__(self, **account: Any) -> None:
        self._account = SonioxAccount(**account)

    def route(self, options: TtsOptions) -> tuple[()]:
        """Every connection speaks everything."""
        return ()

    def codec(self, options: TtsOptions) -> SonioxTtsCodec:
        """The codec of one connection."""
        return SonioxTtsCodec(self._account)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(status, headers)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language or the speed is not on offer.
        """
        if language_code(options.language) not in LANGUAGES:
            raise unspoken(PROVIDER, options.language, LANGUAGES)
        check_within(PROVIDER, "speed", options.speed, SLOWEST, FASTEST)

    def voices(self) -> Sequence[Voice]:
        """The voice that speaks when none is chosen; Soniox's console shows the others."""
        return [Voice(VOICE, VOICE, "", description="speaks every language", provider=PROVIDER)]


class SonioxTtsCodec:
    """One connection with the synthesizer."""

    # Its pages disagree on when an idle connection is closed, after 40 s or 3 minutes.
    keepalive_s: float | None = 20.0
    lasts_s: float | None = None

    def __init__(self, account: SonioxAccount) -> None:
        self._account = account

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        account = self._account
        return Request(
            account.tts_url or account.address("tts-rt", "tts-websocket"), account.headers
        )

    def opening(self) -> Sequence[Frame]:
        """Nothing: each stream brings its own configuration."""
        return ()

    def keepalive(self) -> Frame:
        """What keeps a connection without streams open."""
        return _KEEPALIVE

    def closed(self, close: Close) -> Sequence[SpokenEvent | Failed]:
        """Nothing: what goes wrong is said in a message before."""
        return ()

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(status, headers)

    def begin(self, context: str, text: str, options: TtsOptions) -> Sequence[Frame]:
        """A stream's configuration, and its whole text."""
        config: dict[str, Any] = {
            "stream_id": context,
            "model": options.model or self._account.tts_model,
            "language": language_code(options.language),
            "voice": options.voice or VOICE,
            "audio_format": "pcm_mulaw",
            "sample_rate": ULAW_8K.sample_rate_hz,
        }
        if options.speed != 1.0:
            config["speed"] = options.speed
        words = {"stream_id": context, "text": text, "text_end": True}
        return [orjson.dumps(config).decode(), orjson.dumps(words).decode()]

    def cancel(self, context: str) -> Sequence[Frame]:
        """End a stream before its end."""
        return [orjson.dumps({"stream_id": context, "cancel": True}).decode()]

    def decode(self, frame: Frame) -> Sequence[SpokenEvent | Failed]:
        """What the synthesizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        context = message.get("stream_id")
        if context is not None and not isinstance(context, str):
            raise InvalidResponseError(PROVIDER, "a stream's id is no text")
        if "error_code" in message:
            error = failure(message)
            return [Failed(error) if context is None else ContextFailed(context, error)]
        return [] if context is None else _events(context, message)


def _events(context: str, message: Mapping[str, Any]) -> list[SpokenEvent]:
    events: list[SpokenEvent] = []
    if audio := message.get("audio"):
        try:
            events.append(Spoken(context, base64.b64decode(audio, validate=True)))
        except (TypeError, ValueError, binascii.Error):
            raise InvalidResponseError(PROVIDER, "audio is no base64") from None
    if message.get("audio_end"):
        events.append(AudioEnd(context))
    if message.get("terminated"):
        events.append(Terminated(context))
    return events
