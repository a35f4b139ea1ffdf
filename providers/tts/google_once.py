"""PURE: Google's synthesis in one piece, `SynthesizeSpeech`: every voice, and SSML.

Source: https://cloud.google.com/text-to-speech/docs/reference/rpc

An answer comes when all of it is made, as a WAV file whose header is not always of one size.
"""

from __future__ import annotations

import math

from ..errors import UnsupportedError
from ..offered import check_within
from ..types import TtsCapabilities, TtsOptions
from .google_speech import CHIRP, LOCALES, Call, GoogleSpeech, languages_of

__all__ = ["GoogleOnceSynthesizer"]

LOWEST, HIGHEST = -20.0, 20.0
"""Semitones."""
QUIETEST_DB = -96.0
LOUDEST = 6.3
"""Times as loud as the voice's own: 16 dB."""
BYTES_PER_S = 250.0
"""So much text, at least, is spoken in a second of Google's time."""


class GoogleOnceSynthesizer(GoogleSpeech):
    """The `CallTtsVendor` for synthesis in one piece; see `GoogleSpeech`."""

    name = "google-once"
    capabilities = TtsCapabilities(
        languages=languages_of(LOCALES),
        options=frozenset({"speed", "pitch", "volume", "model", "ssml"}),
    )

    def check(self, options: TtsOptions) -> None:
        """See that the options can be honoured.

        Raises:
            UnsupportedError: the language, the speed, the pitch or the volume is not on offer.
        """
        super().check(options)
        if options.pitch is not None:
            check_within(self.name, "pitch", options.pitch, LOWEST, HIGHEST)
            if CHIRP in self.voice(options).get("name", ""):
                hint = "choose a voice of another kind, such as Neural2"
                raise UnsupportedError(self.name, f"{CHIRP} has one pitch", hint=hint)
        if options.volume is not None:
            check_within(self.name, "volume", options.volume, 0.0, LOUDEST)

    def answer_s(self, text: str, usual_s: float) -> float:
        """How long a text may take: the longer it is, the longer all of it takes."""
        return usual_s + len(text.encode()) / BYTES_PER_S

    def call(self, text: str, options: TtsOptions) -> Call:
        """What has a text spoken."""
        audio = self.audio(options)
        if options.pitch is not None:
            audio["pitch"] = options.pitch
        if options.volume is not None:
            audio["volume_gain_db"] = _decibels(options.volume)
        said = {"ssml": _document(text)} if options.ssml else {"text": text}
        request = {"input": said, "voice": self.voice(options), "audio_config": audio}
        return Call("synthesize_speech", [request])


def _decibels(volume: float) -> float:
    """A volume, of which 1.0 is the voice's own, as a gain."""
    return max(QUIETEST_DB, 20 * math.log10(volume)) if volume > 0 else QUIETEST_DB


def _document(ssml: str) -> str:
    """A document, which Google wants, of what may be a part of one."""
    return ssml if ssml.lstrip().startswith(("<speak", "<?xml")) else f"<speak>{ssml}</speak>"
