"""PURE: what is said to Azure of how to speak, by both of its doors.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-voice
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from media.audio import ULAW_8K

from ..azure import AzureAccount, refusal
from ..errors import ProviderError
from ..offered import check_within, unspoken
from ..tags import general
from ..types import TtsCapabilities, TtsOptions, Voice
from .azure_ssml import Style
from .azure_voices import VOICES, default_voice, is_multilingual, locale_of, voices_of
from .voice_pages import OnePage

__all__ = ["OUTPUT_FORMAT", "AzureSpeech"]

OUTPUT_FORMAT = "raw-8khz-8bit-mono-mulaw"
"""Not `riff-…`, whose header would be heard as noise."""
SLOWEST, FASTEST = 0.5, 2.0
LOWEST, HIGHEST = -12.0, 7.0
"""In semitones: half of a voice's own pitch, and half as much again."""
LOUDEST = 1.0
LEAST_DEGREE = 0.01
OPTIONS = frozenset({"speed", "pitch", "volume", "ssml"})


class AzureSpeech:
    """What a vendor object for either synthesizer has.

    Args:
        account: key, region, voice, style; see `AzureAccount`.

    Raises:
        MissingKeyError: there is no key, or no region.
    """

    name = "azure"
    format = ULAW_8K
    # It would speak for ten minutes, but a listener waits for no more than two of them.
    max_text_bytes = 1_200

    def __init__(self, **account: Any) -> None:
        self.account = AzureAccount(**account)
        self.voice_pages = OnePage(
            self.name,
            self.account.tts_url("/cognitiveservices/voices/list"),
            self.account.headers,
            partial(voices_of, self.name),
        )
        own = locale_of(self.account.tts_voice or "")
        self.capabilities = TtsCapabilities(
            languages=tuple(dict.fromkeys([*([own] if own else []), *VOICES])),
            # How strong a style is can be said of one that there is.
            options=OPTIONS | ({"style"} if self.account.tts_style else set()),
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(self.name, status, headers, body)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """
        self.style(options)

    def voices(self) -> Sequence[Voice]:
        """Those who speak when none is chosen; `voice_pages` asks for the others."""
        return [
            Voice(
                voice, voice.rpartition("-")[2].removesuffix("Neural"), locale, provider=self.name
            )
            for locale, voice in VOICES.items()
        ]

    def style(self, options: TtsOptions) -> Style:
        """How to speak.

        Raises:
            UnsupportedError: an option cannot be honoured.
        """
        voice = self._voice(options)
        of_voice, asked = locale_of(voice), options.language
        foreign = is_multilingual(voice) and _general(of_voice) != _general(asked)
        spoken = locale_of(default_voice(asked) or "") or asked if foreign else of_voice or asked
        return Style(
            voice=voice,
            locale=spoken,
            foreign=foreign,
            express_as=self._express_as(options),
            prosody=self._prosody(options),
        )

    def _voice(self, options: TtsOptions) -> str:
        """The voice of the settings speaks its own language alone, unless it speaks several."""
        if options.voice:
            return options.voice
        own = self.account.tts_voice
        if own and (is_multilingual(own) or not locale_of(own)):
            return own
        if own and _general(locale_of(own)) == _general(options.language):
            return own
        if (voice := default_voice(options.language)) is None:
            raise unspoken(self.name, options.language, self.capabilities.languages)
        return voice

    def _express_as(self, options: TtsOptions) -> dict[str, str]:
        if not (style := self.account.tts_style):
            return {}
        if options.style is None:
            return {"style": style}
        check_within(self.name, "style", options.style, 0.0, 1.0)
        # 1 is a style's own degree, and 2 twice as much.
        return {"style": style, "styledegree": f"{max(LEAST_DEGREE, options.style * 2):g}"}

    def _prosody(self, options: TtsOptions) -> dict[str, str]:
        told = {}
        if options.speed != 1.0:
            check_within(self.name, "speed", options.speed, SLOWEST, FASTEST)
            told["rate"] = f"{options.speed:g}"
        if options.pitch:
            check_within(self.name, "pitch", options.pitch, LOWEST, HIGHEST)
            told["pitch"] = f"{options.pitch:+g}st"
        if options.volume is not None and options.volume != LOUDEST:
            check_within(self.name, "volume", options.volume, 0.0, LOUDEST)
            told["volume"] = f"{options.volume * 100:g}"
        return told


def _general(tag: str | None) -> str:
    return general(tag or "")
