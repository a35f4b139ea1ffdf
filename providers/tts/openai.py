"""PURE: OpenAI's speech over HTTP, which many other servers offer too: Kokoro, Piper and others.

Source: https://platform.openai.com/docs/api-reference/audio/createSpeech

A text is answered with its audio, as PCM of 24 kHz. OpenAI's own models end on 2027-01-06 (their
deprecations' page); the other servers go on, so the address is a setting of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

from ..errors import (
    AuthenticationError,
    MissingKeyError,
    ProviderError,
)
from ..http_request import HttpRequest
from ..offered import check_within, unspoken
from ..openai_account import LANGUAGES, PCM16_24K, OpenAiAccount, is_own, language_code, refusal
from ..types import TtsCapabilities, TtsOptions, Voice
from .pcm_answer import PcmAnswer

__all__ = ["VOICES", "OpenAiSpeech", "check", "voice_of"]

PROVIDER = "openai"
SLOWEST, FASTEST = 0.25, 4.0
MAX_TEXT_BYTES = 4_096
"""It takes as many characters, none of which has less than a byte."""
VOICE = "alloy"
"""One that other servers know, too."""
VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx"),
    *("sage", "shimmer", "verse"),
)
OWN_SERVER_S = 10.0
"""A user's own server, on a small machine, may make a whole sentence before it answers."""
NOTICE = (
    "OpenAI's speech models end on 2027-01-06: choose openai-realtime, or another server with"
    " OPENAI_TTS_BASE_URL"
)


class OpenAiSpeech:
    """The `HttpTtsVendor` for OpenAI, and for every server that speaks as it does.

    Args:
        account: key, addresses, models; see `OpenAiAccount`.

    Raises:
        MissingKeyError: there is no key, and the server is OpenAI's own.
    """

    name = PROVIDER
    format = PCM16_24K
    max_text_bytes = MAX_TEXT_BYTES
    voice_pages = None

    def __init__(self, **account: Any) -> None:
        self._account = OpenAiAccount(**account)
        self._base_url, self._headers = self._account.speech
        self._is_own = is_own(self._base_url)
        # Another `base_url` alone is taken for another way to OpenAI, or to a vendor like it.
        is_users = self._account.tts_base_url is not None and not self._is_own
        self.answer_s = OWN_SERVER_S if is_users else None
        # Small servers have one route, and are there though they know of no models.
        self.warm_by: tuple[int, ...] = () if self._is_own else (404, 405)
        if self._is_own and "Authorization" not in self._headers:
            raise MissingKeyError(PROVIDER, "no key", hint=f"set {self._account.speech_key}")
        self.capabilities = TtsCapabilities(
            languages=LANGUAGES,
            options=frozenset({"speed", "model"}),
            notice=NOTICE if self._is_own else "",
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        error = refusal(PROVIDER, status, headers, body)
        if isinstance(error, AuthenticationError) and self._account.tts_base_url:
            error.hint = f"check {self._account.speech_key}: that server is shown no other key"
        return error

    def warm_up(self) -> HttpRequest:
        """The list of its models, which needs the key."""
        return HttpRequest(url=f"{self._base_url}/models", method="GET", headers=self._headers)

    def request(self, text: str, options: TtsOptions) -> HttpRequest:
        """What has a text spoken."""
        asked: dict[str, Any] = {
            "model": options.model or self._account.tts_model,
            "input": text,
            "voice": voice_of(options.voice or self._account.tts_voice or VOICE),
            "response_format": "pcm",
        }
        if options.speed != 1.0:
            asked["speed"] = options.speed
        return HttpRequest(
            url=f"{self._base_url}/audio/speech",
            headers={**self._headers, "Content-Type": "application/json"},
            body=orjson.dumps(asked),
        )

    def reader(self) -> Callable[[bytes], bytes]:
        """What makes samples of an answer."""
        return PcmAnswer(PROVIDER, PCM16_24K.sample_rate_hz)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured; other servers know their languages themselves.

        Raises:
            UnsupportedError: the language or the speed is not on offer.
        """
        check(PROVIDER, options, FASTEST, LANGUAGES if self._is_own else ())

    def voices(self) -> list[Voice]:
        """OpenAI's own voices; of another server the one that speaks when none is chosen."""
        names = VOICES if self._is_own else (self._account.tts_voice or VOICE,)
        return [Voice(name, name, "", provider=PROVIDER) for name in names]


def check(provider: str, options: TtsOptions, fastest: float, languages: Collection[str]) -> None:
    """See that a language, of those that are known, and a speed are on offer.

    Raises:
        UnsupportedError: one is not.
    """
    if languages and language_code(options.language) not in languages:
        raise unspoken(provider, options.language, languages)
    check_within(provider, "speed", options.speed, SLOWEST, fastest)


def voice_of(name: str) -> str | dict[str, str]:
    """A voice as OpenAI takes it: those that its users made go by their ids."""
    return {"id": name} if name.startswith("voice_") else name
