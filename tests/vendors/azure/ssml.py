"""SSML as Azure reads it.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-structure
and `speech-synthesis-markup-voice`. What it says to a value out of its range is not documented: a
stand-in refuses it (assumed).
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from tests.vendors.speech.refusal import Refusal

from .voices import styles_of

__all__ = ["MOST_VOICES", "Said", "check_prosody", "check_voice", "read_ssml"]

MOST_VOICES = 50
_SSML = "{http://www.w3.org/2001/10/synthesis}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_EXPRESS_AS = re.compile(r"\{https?://www\.w3\.org/2001/mstts\}express-as")
_KNOWN = frozenset(
    [
        *("prosody", "lang", "break", "p", "s", "emphasis", "say-as", "sub", "phoneme"),
        *("bookmark", "audio"),
    ]
)
_RATES = {"x-slow": 0.5, "slow": 0.64, "medium": 1.0, "default": 1.0, "fast": 1.55, "x-fast": 2.0}
_PITCHES = frozenset(["x-low", "low", "medium", "high", "x-high", "default"])
_VOLUMES = frozenset(["silent", "x-soft", "soft", "medium", "loud", "x-loud", "default"])
_PITCH = re.compile(r"[+-]\d+(\.\d+)?(st|%|Hz)|\d+Hz")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said by one voice, as one speaks all of it.

    Attributes:
        speed: of the last `prosody`; 1.0 is the voice's own.
        language: of `speak`, or of the last `lang`.
    """

    voice: str
    text: str
    speed: float = 1.0
    language: str = "en-US"


def read_ssml(document: str) -> list[Said]:
    """What a document has said.

    Raises:
        Refusal: it is no document, or nobody can say it.
    """
    try:
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise _wrong(f"it is not well-formed ({error.code})") from None
    if root.tag != f"{_SSML}speak":
        raise _wrong("its root is not speak, in the namespace of SSML")
    if root.get("version") not in ("1.0", "1.1") or not root.get(_LANG):
        raise _wrong("speak has no version or no xml:lang")
    if (root.text or "").strip() or any((child.tail or "").strip() for child in root):
        raise _wrong("there is text outside of voice")
    voices = [child for child in root if child.tag == f"{_SSML}voice"]
    if not voices or len(voices) > MOST_VOICES:
        raise _wrong("it has no voice, or too many")
    return [_said(voice, root.get(_LANG) or "") for voice in voices]


def check_voice(name: str | None) -> frozenset[str]:
    """The styles of a voice.

    Raises:
        Refusal: there is no such voice.
    """
    styles = styles_of(name or "")
    if styles is None:
        raise Refusal(400, None, f"Unsupported voice {name}.")
    return styles


def check_prosody(name: str, value: str) -> float:
    """The speed that a `rate` stands for; 1.0 for a `pitch` or a `volume`.

    Raises:
        Refusal: it is no such value.
    """
    if name == "rate":
        return _rate(value)
    if name == "pitch" and (_PITCH.fullmatch(value) or value in _PITCHES):
        return 1.0
    if name == "volume" and (value in _VOLUMES or 0 <= _number(value.lstrip("+")) <= 100):
        return 1.0
    if name in ("contour", "range"):
        return 1.0
    raise _wrong(f"prosody cannot have {name} {value}")


def _said(element: ET.Element, language: str) -> Said:
    name = element.get("name") or ""
    styles = check_voice(name)
    speed = 1.0
    for inner in element.iter():
        if inner is element:
            continue
        if _EXPRESS_AS.fullmatch(inner.tag):
            _check_style(inner, name, styles)
        elif inner.tag.removeprefix(_SSML) not in _KNOWN:
            raise _wrong(f"{inner.tag} is not known")
        elif inner.tag == f"{_SSML}prosody":
            for attribute, value in inner.attrib.items():
                speed *= check_prosody(attribute, value)
        elif inner.tag == f"{_SSML}lang":
            language = inner.get(_LANG) or language
    return Said(name, "".join(element.itertext()), speed, language)


def _check_style(element: ET.Element, voice: str, styles: frozenset[str]) -> None:
    style = element.get("style")
    if style is None and element.get("role") is None:
        raise _wrong("express-as has neither style nor role")
    if style is not None and style not in styles:
        raise _wrong(f"{voice} has no style {style}")
    if not 0.01 <= _number(element.get("styledegree", "1")) <= 2:
        raise _wrong("styledegree may be 0.01 to 2")


def _rate(value: str) -> float:
    if value in _RATES:
        return _RATES[value]
    percent = re.fullmatch(r"[+-]?\d+(\.\d+)?%", value)
    rate = 1.0 + _number(value[:-1]) / 100 if percent else _number(value)
    if not 0.5 <= rate <= 2.0:
        raise _wrong(f"rate {value} is not within 0.5 to 2")
    return rate


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _wrong(f"{value} is no number") from None


def _wrong(what: str) -> Refusal:
    return Refusal(400, None, f"SSML parsing error: {what}.")
