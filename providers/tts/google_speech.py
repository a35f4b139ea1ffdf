"""PURE: what both of Google's synthesizers share: languages, voices, and what is asked of them.

Source: https://cloud.google.com/text-to-speech/docs/chirp3-hd and
https://cloud.google.com/text-to-speech/docs/list-voices-and-types
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from media.audio import ULAW_8K

from ..google import GoogleAccount
from ..offered import check_within, unspoken
from ..types import TtsCapabilities, TtsOptions, Voice
from .ulaw_answer import UlawAnswer

__all__ = ["CHIRP", "CHIRP_LOCALES", "LOCALES", "VOICE", "Call", "GoogleSpeech", "languages_of"]

CHIRP = "Chirp3-HD"
VOICE = "Kore"
"""A voice that Chirp and Gemini have, in every language of theirs."""
MULAW = 5
"""Of the enumeration `AudioEncoding`; that of speech-to-text has other numbers."""
SLOWEST, FASTEST = 0.25, 2.0
_CHIRP_LOCALES = (
    "en-US en-GB en-AU en-IN de-DE es-US es-ES fr-FR fr-CA it-IT pt-BR nl-NL nl-BE cmn-CN ja-JP"
    " ko-KR ar-XA bg-BG bn-IN cs-CZ da-DK el-GR et-EE fi-FI gu-IN he-IL hi-IN hr-HR hu-HU id-ID"
    " kn-IN lt-LT lv-LV ml-IN mr-IN nb-NO pl-PL ro-RO ru-RU sk-SK sl-SI sr-RS sv-SE sw-KE ta-IN"
    " te-IN th-TH tr-TR uk-UA ur-IN vi-VN"
)
_OTHER_LOCALES = "pt-PT cmn-TW yue-HK af-ZA ca-ES eu-ES fil-PH gl-ES is-IS ms-MY pa-IN"
CHIRP_LOCALES = tuple(_CHIRP_LOCALES.split())
"""What Chirp speaks; of several of a language the first is the one that is meant by it."""
LOCALES = (*CHIRP_LOCALES, *_OTHER_LOCALES.split())
"""What any voice speaks."""
# As BCP-47 and people have it, and what Google calls it.
_OWN_NAMES = {"zh": "cmn", "zh-hk": "yue", "no": "nb", "tl": "fil"}
_LOCALE = re.compile(r"([a-z]{2,3}-[A-Z]{2})-.+")
_GENDERS = {1: "male", 2: "female", 3: "neutral"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `google.cloud.texttospeech`: its method, and all that is said in it.

    The answers hold audio; what is said may hold words, so it is never shown.
    """

    method: str
    messages: Sequence[Mapping[str, Any]] = field(repr=False)


def languages_of(locales: Sequence[str]) -> tuple[str, ...]:
    """The languages of these locales, as a caller of ours may call them."""
    codes = dict.fromkeys(locale.partition("-")[0] for locale in locales)
    return (*codes, *(name for name, own in _OWN_NAMES.items() if own in codes))


class GoogleSpeech:
    """What a vendor object for either synthesizer has.

    A voice is called `en-US-Chirp3-HD-Kore`, or `Kore`, which is Chirp's in whatever language.

    Args:
        account: key, address, voice, model; see `GoogleAccount`.

    Raises:
        MissingKeyError: there is neither a key nor a file of credentials.

    Attributes:
        account: the account.
        fallback_voice: who speaks when nobody is chosen; None is whoever Google chooses.
        kind: what the names of voices that can be had here hold.
        locales: what is spoken.
    """

    name = "google"
    capabilities = TtsCapabilities()
    format = ULAW_8K
    # It would take 5,000 bytes; a sentence that is asked for again should not be that long.
    max_text_bytes = 1_200
    fallback_voice: str | None = None
    kind = ""
    locales: Sequence[str] = LOCALES

    def __init__(self, **account: Any) -> None:
        self.account = GoogleAccount(**account)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language or the speed is not on offer.
        """
        self.voice(options)
        check_within(self.name, "speed", options.speed, SLOWEST, FASTEST)

    def reader(self) -> Callable[[bytes], bytes]:
        """What makes samples of an answer: µ-law may come as a WAV file."""
        return UlawAnswer(self.name)

    def voice(self, options: TtsOptions) -> dict[str, Any]:
        """Who speaks, as a `VoiceSelectionParams`.

        Raises:
            UnsupportedLanguageError: the language is not on offer.
        """
        locale = self._locale(options.language)
        name = options.voice or self._own(locale) or self.fallback_voice
        spoken = _locale_of(name or "")
        params: dict[str, Any] = {"language_code": spoken or locale}
        if model := options.model or self.account.tts_model:
            # Gemini's voices have no language in their names.
            return {**params, "name": (name or VOICE).rpartition("-")[2], "model_name": model}
        if name is not None:
            params["name"] = name if spoken is not None else f"{locale}-{CHIRP}-{name}"
        return params

    def audio(self, options: TtsOptions) -> dict[str, Any]:
        """What the audio is to be like, as `StreamingAudioConfig` and `AudioConfig` have it."""
        asked: dict[str, Any] = {
            "audio_encoding": MULAW,
            "sample_rate_hertz": self.format.sample_rate_hz,
        }
        if options.speed != 1.0:
            asked["speaking_rate"] = options.speed
        return asked

    def voices_of(self, listed: Sequence[Mapping[str, Any]]) -> list[Voice]:
        """Those of Google's list of voices that can be had here."""
        return [self._listed(voice) for voice in listed if self.kind in voice["name"]]

    def _listed(self, voice: Mapping[str, Any]) -> Voice:
        name, locale = voice["name"], voice["language_codes"][0]
        code, _, region = locale.partition("-")
        return Voice(
            id=name,
            name=name.removeprefix(f"{locale}-"),
            language=f"zh-{region}" if code == "cmn" else locale,
            gender=_GENDERS.get(voice["ssml_gender"]),
            provider=self.name,
        )

    def _own(self, locale: str) -> str | None:
        """Who speaks by the settings; whose language is another one's does not speak this."""
        own = self.account.voice
        spoken = _locale_of(own or "")
        is_fit = spoken is None or spoken.partition("-")[0] == locale.partition("-")[0]
        return own if is_fit else None

    def _locale(self, tag: str) -> str:
        """The locale that a BCP-47 tag is spoken in: it, or else one of the same language."""
        wanted = tag.replace("_", "-").lower()
        code, _, region = wanted.partition("-")
        code = _OWN_NAMES.get(wanted) or _OWN_NAMES.get(code, code)
        alike = [locale for locale in self.locales if locale.partition("-")[0] == code]
        exact = [locale for locale in alike if locale.lower() == f"{code}-{region}"]
        for locale in (*exact, *alike):
            return locale
        raise unspoken(self.name, tag, self.capabilities.languages)


def _locale_of(voice: str) -> str | None:
    """The locale of a voice, which its name begins with; None for one that has many."""
    found = _LOCALE.fullmatch(voice)
    return found[1] if found is not None else None
