"""PURE: Google's streaming synthesis, `StreamingSynthesize`: Chirp 3 HD, and Gemini.

Source: https://cloud.google.com/text-to-speech/docs/create-audio-text-streaming

A stream that is told nothing for five seconds is aborted, so there is one for each text, and with
the text it is told that no more comes.
"""

from __future__ import annotations

from ..errors import UnsupportedError
from ..types import TtsCapabilities, TtsOptions
from .google_speech import CHIRP, CHIRP_LOCALES, VOICE, Call, GoogleSpeech, languages_of

__all__ = ["GoogleSynthesizer"]


class GoogleSynthesizer(GoogleSpeech):
    """The `CallTtsVendor` for streaming synthesis; see `GoogleSpeech`."""

    capabilities = TtsCapabilities(
        languages=languages_of(CHIRP_LOCALES), options=frozenset({"speed", "model"})
    )
    locales = CHIRP_LOCALES
    fallback_voice = VOICE
    kind = CHIRP

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language, the speed or the voice is not on offer.
        """
        super().check(options)
        voice = self.voice(options)
        if "model_name" not in voice and f"-{CHIRP}-" not in voice["name"]:
            raise UnsupportedError(
                self.name,
                f"voice {voice['name']!r} cannot be streamed",
                hint=f"choose one of {CHIRP}, such as {VOICE}, or the provider google-once",
            )

    def answer_s(self, text: str, usual_s: float) -> float:
        """How long a text may take: sound comes as it is made."""
        return usual_s

    def call(self, text: str, options: TtsOptions) -> Call:
        """What has a text spoken."""
        audio = self.audio(options)
        config = {"voice": self.voice(options), "streaming_audio_config": audio}
        return Call(
            "streaming_synthesize", [{"streaming_config": config}, {"input": {"text": text}}]
        )
