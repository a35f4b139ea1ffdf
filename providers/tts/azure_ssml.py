"""PURE: SSML as Azure takes it: who speaks, in which style, how fast, and the text.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/speech-synthesis-markup-voice

Azure wants a whole document in which every word is somebody's. What others take, a text with a few
tags in it or a document in which nobody is named, is made into one here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Style", "document", "speakable"]

_ROOT = {
    "version": "1.0",
    "xmlns": "http://www.w3.org/2001/10/synthesis",
    "xmlns:mstts": "http://www.w3.org/2001/mstts",
}
_DOCUMENT = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?<speak\b(?P<attributes>[^>]*)>(?P<inner>.*)</speak\s*>\s*", re.DOTALL
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_VOICE = re.compile(r"<(?:voice|mstts:voiceconversion)\b")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a text is spoken.

    Attributes:
        voice: who speaks.
        locale: of the voice, or of the text; a BCP-47 tag.
        foreign: whether the voice is of another language than the text.
        express_as: attributes of the element `mstts:express-as`; none leave it out.
        prosody: likewise of `prosody`.
    """

    voice: str
    locale: str
    foreign: bool = False
    express_as: Mapping[str, str] = field(default_factory=dict)
    prosody: Mapping[str, str] = field(default_factory=dict)


def document(style: Style, text: str, *, markup: bool) -> str:
    """The document that has a text spoken.

    Args:
        style: how; who names a voice in the markup says all of that there.
        text: what.
        markup: whether it is SSML, perhaps without what is around it.
    """
    text = speakable(text)
    if not markup:
        return _speak({}, style.locale, _spoken(style, html.escape(text, quote=False)))
    whole = _DOCUMENT.fullmatch(text)
    inner, attributes = (whole["inner"], whole["attributes"]) if whole else (text, "")
    said = inner if _VOICE.search(inner) else _spoken(style, inner)
    found = _ATTRIBUTE.findall(attributes)
    own = {name: html.unescape(double or single) for name, double, single in found}
    return _speak(own, style.locale, said)


def speakable(text: str) -> str:
    """A text as XML may have it: with space in the place of such as control characters."""
    return _NOT_XML.sub(" ", text)


def _speak(own: Mapping[str, str], locale: str, said: str) -> str:
    return _element("speak", {**_ROOT, "xml:lang": locale, **own}, said)


def _spoken(style: Style, said: str) -> str:
    if style.foreign:
        said = _element("lang", {"xml:lang": style.locale}, said)
    if style.prosody:
        said = _element("prosody", style.prosody, said)
    if style.express_as:
        said = _element("mstts:express-as", style.express_as, said)
    return _element("voice", {"name": style.voice}, said)


def _element(name: str, attributes: Mapping[str, str], inner: str) -> str:
    told = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{inner}</{name}>"
