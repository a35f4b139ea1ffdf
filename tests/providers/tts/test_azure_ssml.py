from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from providers.tts.azure_ssml import Style, document, speakable

PLAIN = Style(voice="en-US-JennyNeural", locale="en-US")
FULL = Style(
    voice="en-US-AvaMultilingualNeural",
    locale="de-DE",
    foreign=True,
    express_as={"style": "cheerful", "styledegree": "0.6"},
    prosody={"rate": "1.2", "pitch": "+2st"},
)
HEAD = (
    '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis"'
    ' xmlns:mstts="http://www.w3.org/2001/mstts" xml:lang="en-US">'
)


def jenny(said: str) -> str:
    return f'<voice name="en-US-JennyNeural">{said}</voice>'


def test_a_text_is_somebody_s() -> None:
    made = document(PLAIN, "Tom & Jerry, <5 \"quotes\" 'n' all", markup=False)
    said = jenny("Tom &amp; Jerry, &lt;5 \"quotes\" 'n' all")
    assert made == f"{HEAD}{said}</speak>"


def test_style_prosody_and_language() -> None:
    made = document(FULL, "Guten Tag", markup=False)
    assert made.endswith(
        ' xml:lang="de-DE"><voice name="en-US-AvaMultilingualNeural">'
        '<mstts:express-as style="cheerful" styledegree="0.6">'
        '<prosody rate="1.2" pitch="+2st"><lang xml:lang="de-DE">Guten Tag</lang></prosody>'
        "</mstts:express-as></voice></speak>"
    )
    ET.fromstring(made)


def test_nobody_writes_markup_by_a_name() -> None:
    odd = Style(voice='x"><evil/>', locale="en-US")
    assert 'name="x&quot;&gt;&lt;evil/&gt;"' in document(odd, "Hi", markup=False)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Wait <break time='1s'/> here", jenny("Wait <break time='1s'/> here")),
        ("<speak>Hello</speak>", jenny("Hello")),
        ('<?xml version="1.0"?>\n<speak\n version="1.0">Hi</speak>\n', jenny("Hi")),
        ('<speak><voice name="x">Hi</voice></speak>', '<voice name="x">Hi</voice>'),
        ('<voice name="x">Hi</voice>', '<voice name="x">Hi</voice>'),
        ("<speak/>", jenny("<speak/>")),
    ],
)
def test_markup_becomes_a_document(given: str, made: str) -> None:
    assert document(PLAIN, given, markup=True) == f"{HEAD}{made}</speak>"


def test_a_document_keeps_what_it_says_of_itself() -> None:
    given = "<speak version='1.1' xml:lang=\"fr-FR\" xmlns:emo='a&amp;b'>Hi</speak>"
    root = document(PLAIN, given, markup=True).partition("<voice")[0]
    assert root == (
        '<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis"'
        ' xmlns:mstts="http://www.w3.org/2001/mstts" xml:lang="fr-FR" xmlns:emo="a&amp;b">'
    )


def test_what_no_document_may_have_is_space() -> None:
    assert speakable("a\x00b\x0bc\td\ufffe😀é") == "a b c\td 😀é"
    ET.fromstring(document(PLAIN, "".join(map(chr, range(0x250))), markup=False))
