"""What may be asked of Google's synthesizers, and what it is refused for.

The wording is Google's where it is known of reports, else assumed.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar
from xml.etree import ElementTree

import proto
from google.cloud.texttospeech_v1.types import AudioEncoding, SynthesisInput, VoiceSelectionParams
from google.protobuf.message import DecodeError

from media.audio import AudioFormat, Encoding
from tests.vendors.speech.refusal import Refusal

from .tts_offer import CHIRP, GEMINI, NAMES, VOICES, locale_of

__all__ = ["MOST_BYTES", "Wrong", "check_rate", "check_size", "format_of", "has_header", "plain"]
__all__ += ["check_sentences", "read", "speaks"]

MOST_BYTES = 5_000
MOST_LETTERS = 300
"""Of a sentence (users' reports)."""
_NATURAL_HZ = 24_000
_ENCODINGS = {
    AudioEncoding.LINEAR16: Encoding.PCM16,
    AudioEncoding.PCM: Encoding.PCM16,
    AudioEncoding.MULAW: Encoding.ULAW,
    AudioEncoding.ALAW: Encoding.ALAW,
}
_STREAMED = (AudioEncoding.PCM, AudioEncoding.MULAW, AudioEncoding.ALAW, AudioEncoding.OGG_OPUS)

MessageT = TypeVar("MessageT", bound=proto.Message)


class Wrong(Refusal):
    """A request that cannot be served: `INVALID_ARGUMENT`."""

    def __init__(self, text: str) -> None:
        super().__init__(400, None, text)


def read(kind: type[MessageT], message: bytes) -> MessageT:
    """A message of the client's.

    Raises:
        Wrong: it is none of its kind.
    """
    try:
        read: MessageT = kind.deserialize(message)
    except DecodeError:
        raise Wrong("Request contains an invalid argument.") from None
    return read


def speaks(voice: VoiceSelectionParams, *, streamed: bool) -> str:
    """The language that a voice speaks, as two or three letters.

    Raises:
        Wrong: there is no such voice, or not for this.
    """
    code, name = voice.language_code, voice.name
    if not code:
        raise Wrong("Voice language code must be set.")
    if voice.model_name:
        if voice.model_name not in GEMINI or name not in NAMES:
            raise Wrong(f"Model '{voice.model_name}' is not supported for voice '{name}'.")
    elif name and name not in VOICES:
        raise Wrong(f"Voice '{name}' does not exist. Is it misspelled?")
    elif name and locale_of(name) != code:
        raise Wrong(
            f"Requested language code '{code}' doesn't match the voice '{name}''s language code"
            f" '{locale_of(name)}'. Either request a different voice or change the requested"
            f" language code to '{locale_of(name)}'."
        )
    elif streamed and CHIRP not in name:
        raise Wrong("Currently, only Chirp 3: HD voices are supported for streaming synthesis.")
    elif not any(locale_of(offered) == code for offered in VOICES):
        raise Wrong(
            "No TTS voice matching the TTS request. Please correct the voice selection params and"
            " try again."
        )
    return code.partition("-")[0]


def format_of(encoding: AudioEncoding, rate_hz: int, *, streamed: bool) -> AudioFormat:
    """What the audio is to be like.

    Raises:
        Wrong: it cannot be like that, or only the stand-in makes none such.
    """
    if encoding == AudioEncoding.AUDIO_ENCODING_UNSPECIFIED:
        raise Wrong("Audio encoding must be specified.")
    if streamed and encoding not in _STREAMED:
        raise Wrong("Unsupported audio encoding.")
    if encoding not in _ENCODINGS:
        raise Wrong("The stand-in speaks no such audio encoding.")
    if rate_hz and rate_hz not in (8_000, 16_000, 22_050, 24_000, 44_100, 48_000):
        raise Wrong("Unsupported sample rate.")
    return AudioFormat(_ENCODINGS[encoding], rate_hz or _NATURAL_HZ)


def has_header(encoding: AudioEncoding) -> bool:
    """Whether audio in one piece is a WAV file: all but what is called PCM."""
    return encoding != AudioEncoding.PCM


def check_rate(speaking_rate: float) -> float:
    """The speed that is asked for, of which 0 is nobody's wish.

    Raises:
        Wrong: it is out of bounds.
    """
    if speaking_rate and not 0.25 <= speaking_rate <= 2.0:
        raise Wrong("The speaking rate must be in the range [0.25, 2.0].")
    return speaking_rate or 1.0


def check_size(text: str) -> None:
    """See that a text is none too long.

    Raises:
        Wrong: it is.
    """
    if len(text.encode()) > MOST_BYTES:
        raise Wrong(
            "Either `input.text` or `input.ssml` is longer than the limit of 5000 bytes. This limit"
            " is different from quotas."
        )


def check_sentences(text: str) -> None:
    """See that no sentence is too long.

    Raises:
        Wrong: one is; it says which.
    """
    for sentence in re.split(r"(?<=[.!?…。！？])\s*", text):
        if len(sentence) > MOST_LETTERS:
            raise Wrong(
                "This request contains sentences that are too long. To fix, split up long sentences"
                " with sentence ending punctuation e.g. periods. Sentence starting with:"
                f' "{sentence.split()[0]}" is too long.'
            )


def plain(asked: SynthesisInput) -> str:
    """What is to be said, without the markup.

    Raises:
        Wrong: there is none, or it is no SSML.
    """
    given: Any = SynthesisInput.pb(asked)
    source = given.WhichOneof("input_source")
    text: str = getattr(asked, source) if source in ("text", "ssml") else ""
    if not text:
        raise Wrong("Either `input.text` or `input.ssml` must be set.")
    check_size(text)
    if source == "text":
        check_sentences(text)
        return text
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        root = None
    if root is None or root.tag.rpartition("}")[2] != "speak":
        raise Wrong("Invalid SSML. Newer voices like Neural2 require valid SSML.")
    said = "".join(root.itertext())
    check_sentences(said)
    return said
