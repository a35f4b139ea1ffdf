"""Azure's voices, and the shapes of their audio."""

from __future__ import annotations

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Json

__all__ = ["DEFAULT_VOICE", "FORMATS", "VOICES", "styles_of"]

DEFAULT_VOICE = "en-US-JennyNeural"
FORMATS: dict[str, AudioFormat | None] = {
    "raw-8khz-8bit-mono-mulaw": AudioFormat(Encoding.ULAW, 8_000),
    "raw-8khz-8bit-mono-alaw": AudioFormat(Encoding.ALAW, 8_000),
    **{
        f"raw-{rate_hz // 1000}khz-16bit-mono-pcm": AudioFormat(Encoding.PCM16, rate_hz)
        for rate_hz in (8_000, 16_000, 24_000, 48_000)
    },
    **dict.fromkeys(("riff-8khz-8bit-mono-mulaw", "riff-24khz-16bit-mono-pcm")),
    **dict.fromkeys(("audio-24khz-48kbitrate-mono-mp3", "ogg-24khz-16bit-mono-opus")),
}
"""The output formats; None for one that the stand-in does not encode."""


def _voice(name: str, gender: str, *, styles: tuple[str, ...] = (), more: str = "") -> Json:
    locale, _, short = name.rpartition("-")
    display = short.removesuffix("Neural")
    listed: Json = {
        "Name": f"Microsoft Server Speech Text to Speech Voice ({locale}, {short})",
        "DisplayName": display,
        "LocalName": display,
        "ShortName": name,
        "Gender": gender,
        "Locale": locale,
        "LocaleName": locale,
        "SampleRateHertz": "24000",
        "VoiceType": "Neural",
        "Status": "GA",
        "WordsPerMinute": "150",
    }
    if styles:
        listed["StyleList"] = list(styles)
    if more:
        listed["SecondaryLocaleList"] = more.split()
    return listed


VOICES = (
    _voice(DEFAULT_VOICE, "Female", styles=("assistant", "chat", "cheerful", "customerservice")),
    _voice("en-US-GuyNeural", "Male", styles=("newscast", "cheerful")),
    _voice("en-US-AvaMultilingualNeural", "Female", more="de-DE es-ES fr-FR"),
    _voice("en-GB-SoniaNeural", "Female", styles=("cheerful", "sad")),
    _voice("de-DE-KatjaNeural", "Female"),
    _voice("es-ES-ElviraNeural", "Female"),
    _voice("fr-FR-DeniseNeural", "Female", styles=("cheerful", "sad")),
)


def styles_of(voice: str) -> frozenset[str] | None:
    """The styles of a voice; None when there is no such voice."""
    found = next((listed for listed in VOICES if listed["ShortName"] == voice), None)
    return None if found is None else frozenset(found.get("StyleList", ()))
