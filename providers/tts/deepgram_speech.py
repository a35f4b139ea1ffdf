"""PURE: what both of Deepgram's synthesizers share: voices, languages, what is asked in a URL.

Source: https://developers.deepgram.com/docs/tts-models, and the page `tts-voice-controls` for speed
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from media.audio import ULAW_8K

from ..deepgram import DeepgramAccount, failure
from ..errors import (
    ProviderError,
    UnsupportedError,
)
from ..offered import unspoken
from ..tags import general
from ..types import TtsCapabilities, TtsOptions, Voice
from .voice_pages import OnePage

__all__ = ["LANGUAGES", "VOICES", "DeepgramSpeech"]

VOICES = {
    "en": "aura-2-thalia-en",
    "es": "aura-2-celeste-es",
    "de": "aura-2-viktoria-de",
    "fr": "aura-2-agathe-fr",
    "nl": "aura-2-rhea-nl",
    "it": "aura-2-livia-it",
    "ja": "aura-2-izanami-ja",
}
"""Who speaks a language when no voice is chosen."""
LANGUAGES = tuple(VOICES)
SLOWEST, FASTEST = 0.7, 1.5
PACED = ("en", "es")
"""The languages whose voices can speak at another speed."""
_NAMED = re.compile(r"aura-.+-([a-z]{2,3})")
_GENDERS = {"feminine": "female", "masculine": "male"}


class DeepgramSpeech:
    """What a vendor object for either synthesizer has.

    Args:
        account: key, address, voice; see `DeepgramAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = "deepgram"
    capabilities = TtsCapabilities(languages=LANGUAGES, options=frozenset({"speed", "model"}))
    format = ULAW_8K
    # It would take 2,000 characters, but a listener waits for no more than two minutes of audio.
    max_text_bytes = 1_200

    def __init__(self, **account: Any) -> None:
        self.account = DeepgramAccount(**account)
        own = _spoken(self.account.tts_model or "")
        if own is not None and own not in LANGUAGES:
            self.capabilities = replace(self.capabilities, languages=(own, *LANGUAGES))
        self.voice_pages = OnePage(
            self.name, self.account.http_url("/v1/models"), self.account.headers, self._listed
        )

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status of 300 or more means."""
        return failure(self.name, status, headers, body)

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language or the speed is not on offer.
        """
        language = general(options.language)
        is_chosen = options.voice or options.model
        if not is_chosen and _spoken(self._voice(options)) not in (language, None):
            raise unspoken(self.name, options.language, self.capabilities.languages)
        paced = SLOWEST <= options.speed <= FASTEST and _spoken(self._voice(options)) in PACED
        if options.speed != 1.0 and not paced:
            raise UnsupportedError(
                self.name,
                f"speed {options.speed:g}",
                hint=f"it may be {SLOWEST} to {FASTEST}, of voices for {' and '.join(PACED)}",
            )

    def query(self, options: TtsOptions) -> list[tuple[str, str]]:
        """What stands in the URL: all but the text."""
        query = [
            ("model", self._voice(options)),
            ("encoding", "mulaw"),
            ("sample_rate", str(self.format.sample_rate_hz)),
        ]
        if options.speed != 1.0:
            query.append(("speed", f"{options.speed:g}"))
        return query

    def voices(self) -> Sequence[Voice]:
        """Those who speak when none is chosen; `voice_pages` asks for the others."""
        return [
            Voice(voice, voice.split("-")[-2], language, provider=self.name)
            for language, voice in VOICES.items()
        ]

    def _listed(self, models: Mapping[str, Any]) -> Sequence[Voice]:
        """Those of the models that speak."""
        return [_voice(self.name, model) for model in models["tts"]]

    def _voice(self, options: TtsOptions) -> str:
        """A voice is a model. The one of the settings speaks its own language alone."""
        language, own = general(options.language), self.account.tts_model
        if own is not None and _spoken(own) not in (language, None):
            own = None
        return options.voice or options.model or own or VOICES.get(language, VOICES["en"])


def _voice(provider: str, model: Mapping[str, Any]) -> Voice:
    more = model.get("metadata") or {}
    tags = [str(tag) for tag in more.get("tags") or ()]
    genders = [_GENDERS[tag] for tag in tags if tag in _GENDERS]
    # The most special of its tags: `en-US`, not `en`.
    language = max(map(str, model.get("languages") or ("",)), key=len)
    return Voice(
        id=str(model["canonical_name"]),
        name=str(model.get("name") or model["canonical_name"]),
        language=language,
        gender=genders[0] if genders else None,
        description=", ".join(tag for tag in tags if tag not in _GENDERS),
        age=more.get("age"),
        accent=more.get("accent"),
        use_cases=tuple(map(str, more.get("use_cases") or ())),
        provider=provider,
    )


def _spoken(voice: str) -> str | None:
    """The language of a voice, which its name ends with; None for one of another kind."""
    found = _NAMED.fullmatch(voice)
    return found[1] if found is not None else None
