"""PURE: what is said to ElevenLabs of how to speak, by both of its doors.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/stream
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from media.audio import ULAW_8K

from ..elevenlabs import ElevenLabsAccount, language_code
from ..elevenlabs_errors import refusal
from ..errors import ProviderError, UnsupportedError, UnsupportedLanguageError
from ..offered import check_within
from ..types import TtsCapabilities, TtsOptions, Voice
from .elevenlabs_voices import ElevenLabsVoices

__all__ = ["OPTIONS", "ElevenLabsSpeech", "Speech", "spoken_languages"]

SLOWEST, FASTEST = 0.7, 1.2
MOST_DICTIONARIES = 3
OPTIONS = frozenset(
    [
        *("speed", "model", "stability", "similarity", "style", "speaker_boost"),
        "pronunciations",
    ]
)
"""The options that both doors honour."""
_V2 = (
    *("en", "ja", "zh", "de", "hi", "fr", "ko", "pt", "it", "es", "id", "nl", "tr", "fil", "pl"),
    *("sv", "bg", "ro", "ar", "cs", "el", "fi", "hr", "ms", "sk", "da", "ta", "uk", "ru"),
)
_V2_5 = (*_V2, "hu", "no", "vi")
_V3 = (
    *_V2_5,
    *("af", "hy", "as", "az", "be", "bn", "bs", "ca", "ceb", "ny", "et", "gl", "ka", "gu", "ha"),
    *("he", "is", "ga", "jv", "kn", "kk", "ky", "lv", "ln", "lt", "lb", "mk", "ml", "mr", "ne"),
    *("ps", "fa", "pa", "sr", "sd", "sl", "so", "sw", "te", "th", "ur", "cy"),
)
_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "eleven_flash_v2": ("en",),
    "eleven_turbo_v2": ("en",),
    "eleven_multilingual_v2": _V2,
    "eleven_flash_v2_5": _V2_5,
    "eleven_turbo_v2_5": _V2_5,
}
# They find out the language by the text, and refuse to be told.
_TOLD_NOTHING = ("eleven_flash_v2", "eleven_turbo_v2", "eleven_multilingual_v2")
_RANGES = {"stability": "stability", "similarity": "similarity_boost", "style": "style"}


def spoken_languages(model: str) -> tuple[str, ...]:
    """The BCP-47 tags of what a model speaks; one that is not known here speaks what v3 does."""
    return _LANGUAGES.get(model, _V3)


class ElevenLabsSpeech:
    """What a vendor object for either synthesizer has.

    Args:
        account: key, address, model, voice; see `ElevenLabsAccount`.

    Attributes:
        capabilities: what both can do.

    Raises:
        MissingKeyError: there is no key.
    """

    name: str
    format = ULAW_8K

    def __init__(self, **account: Any) -> None:
        self.account = ElevenLabsAccount(**account)
        self.voice_pages = ElevenLabsVoices(self.name, self.account)
        self.capabilities = TtsCapabilities(
            languages=spoken_languages(self.account.tts_model), options=OPTIONS
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return refusal(self.name, status, headers, body)

    def speech(self, options: TtsOptions) -> Speech:
        """What is asked for.

        Raises:
            UnsupportedError: an option cannot be honoured.
        """
        return Speech(self.name, self.account, options)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: one cannot.
        """
        self.speech(options)

    def voices(self) -> Sequence[Voice]:
        """None is known without asking."""
        return ()


class Speech:
    """What is asked for, checked.

    Args:
        provider: the catalogue name, for errors.
        account: whose model and voice are the ones when none are asked for.
        options: what is asked for.

    Raises:
        UnsupportedError: an option cannot be honoured.
    """

    def __init__(self, provider: str, account: ElevenLabsAccount, options: TtsOptions) -> None:
        self.model = options.model or account.tts_model
        self.voice = options.voice or account.voice_id
        self._options = options
        self._check_language(provider)
        check_within(provider, "speed", options.speed, SLOWEST, FASTEST)
        for name in _RANGES:
            if (value := getattr(options, name)) is not None:
                check_within(provider, name, value, 0, 1)
        if len(options.pronunciations) > MOST_DICTIONARIES:
            raise UnsupportedError(
                provider,
                f"{len(options.pronunciations)} pronunciation dictionaries",
                hint=f"it takes {MOST_DICTIONARIES}",
            )

    @property
    def language(self) -> str | None:
        """The code of the language, for a model that takes one."""
        return None if self.model in _TOLD_NOTHING else language_code(self._options.language)

    def settings(self) -> dict[str, Any]:
        """How the voice speaks and which words it pronounces how, as fields of a message."""
        options = self._options
        values = {name: getattr(options, ours) for ours, name in _RANGES.items()}
        values["use_speaker_boost"] = options.speaker_boost
        values["speed"] = None if options.speed == 1.0 else options.speed
        told = {name: value for name, value in values.items() if value is not None}
        fields: dict[str, Any] = {"voice_settings": told} if told else {}
        if options.pronunciations:
            fields["pronunciation_dictionary_locators"] = [
                _locator(dictionary) for dictionary in options.pronunciations
            ]
        return fields

    def _check_language(self, provider: str) -> None:
        languages = spoken_languages(self.model)
        if language_code(self._options.language) not in languages:
            raise UnsupportedLanguageError(
                provider,
                f"model {self.model} does not speak {self._options.language!r}",
                hint=f"it speaks {', '.join(languages)}",
            )


def _locator(dictionary: str) -> dict[str, str]:
    """`ID`, or `ID:VERSION` for another version than the latest."""
    name, _, version = dictionary.partition(":")
    located = {"pronunciation_dictionary_id": name}
    return {**located, "version_id": version} if version else located
