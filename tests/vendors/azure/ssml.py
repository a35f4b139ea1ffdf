"""SSML as Azure reads it.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-structure
and `speech-synthesis-markup-voice`: a style that a voice does not have is ignored, and a value of
prosody that is not supported is limited, or replaced; that is noted as a complaint. Which documents
are refused is seen from what users of the SDKs report.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from tests.vendors.speech.refusal import Refusal

from .voices import styles_of

__all__ = ["Said", "check_style", "check_voice", "read_ssml", "speed_of"]

MOST_VOICES = 50
SLOWEST, FASTEST = 0.5, 2.0
_SSML = "{http://www.w3.org/2001/10/synthesis}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_EXPRESS_AS = re.compile(r"\{https?://www\.w3\.org/2001/mstts\}express-as")
_UNHEARD = re.compile(r"\{https?://www\.w3\.org/2001/mstts\}(silence|viseme|audioduration)")
_KNOWN = frozenset(
    [
        *("prosody", "lang", "break", "p", "s", "emphasis", "say-as", "sub", "phoneme"),
        *("bookmark", "audio", "lexicon"),
    ]
)
_RATES = {"x-slow": 0.5, "slow": 0.64, "medium": 1.0, "default": 1.0, "fast": 1.55, "x-fast": 2.0}
_PITCHES = frozenset(["x-low", "low", "medium", "high", "x-high", "default"])
_VOLUMES = frozenset(["silent", "x-soft", "soft", "medium", "loud", "x-loud", "default"])
_PITCH = re.compile(r"[+-]\d+(\.\d+)?(st|Hz)|[+-]?\d+(\.\d+)?%|\d+Hz")


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


def read_ssml(document: str, complaints: list[str]) -> list[Said]:
    """What a document has said.

    Args:
        document: it.
        complaints: where it is noted what is ignored, or limited.

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
    return [_said(voice, root.get(_LANG) or "", complaints) for voice in voices]


def check_voice(name: str) -> None:
    """See that there is a voice.

    Raises:
        Refusal: there is none.
    """
    if styles_of(name) is None:
        raise Refusal(400, None, f"Unsupported voice {name}.")


def check_style(voice: str, style: str | None, complaints: list[str]) -> None:
    """See whether a voice has a style; if not, it is ignored."""
    if style is not None and style not in (styles_of(voice) or ()):
        complaints.append(f"{voice} has no style {style}")


def speed_of(prosody: Mapping[str, str], complaints: list[str]) -> float:
    """How fast prosody has one speak; 1.0 is the voice's own."""
    speed = 1.0
    for name, value in prosody.items():
        if name == "rate":
            speed = _rate(value, complaints)
        elif not _is_supported(name, value):
            complaints.append(f"prosody with {name} {value}")
    return speed


def _said(element: ET.Element, language: str, complaints: list[str]) -> Said:
    name = element.get("name") or ""
    check_voice(name)
    speed = 1.0
    for inner in element.iter():
        if inner is element:
            continue
        if _EXPRESS_AS.fullmatch(inner.tag):
            check_style(name, inner.get("style", ""), complaints)
            if not 0.01 <= _number(inner.get("styledegree", "1")) <= 2:
                complaints.append(f"styledegree {inner.get('styledegree')}")
        elif _UNHEARD.fullmatch(inner.tag):
            continue  # nothing is said in it; its effect is not simulated
        elif inner.tag.removeprefix(_SSML) not in _KNOWN:
            raise _wrong(f"[{inner.tag.rpartition('}')[2]}] element is not allowed")
        elif inner.tag == f"{_SSML}prosody":
            speed *= speed_of(inner.attrib, complaints)
        elif inner.tag == f"{_SSML}lang":
            language = inner.get(_LANG) or language
    return Said(name, "".join(element.itertext()), speed, language)


def _is_supported(name: str, value: str) -> bool:
    if name == "pitch":
        return value in _PITCHES or _PITCH.fullmatch(value) is not None
    if name == "volume":
        return value in _VOLUMES or 0 <= _number(value) <= 100
    return name in ("contour", "range")


def _rate(value: str, complaints: list[str]) -> float:
    if value in _RATES:
        return _RATES[value]
    percent = re.fullmatch(r"[+-]?\d+(\.\d+)?%", value)
    rate = 1.0 + _number(value[:-1]) / 100 if percent else _number(value)
    if SLOWEST <= rate <= FASTEST:
        return rate
    complaints.append(f"prosody with rate {value}")
    return min(FASTEST, max(SLOWEST, rate)) if not math.isnan(rate) else 1.0


def _number(value: str) -> float:
    """What it stands for; not a number if nothing."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def _wrong(what: str) -> Refusal:
    return Refusal(400, None, f"SSML parsing error: {what}.")
