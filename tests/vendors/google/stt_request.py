"""What may be asked of Google's recognizers: the same by both versions, in messages of their own.

Enums have other numbers in each version, so what is read is compared as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.cloud.speech_v1.types import cloud_speech as v1
from google.cloud.speech_v2.types import cloud_speech as v2
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from media.audio import AudioFormat, Encoding

from .limits import Limits
from .offer import check_offer, check_words
from .refusal import invalid

__all__ = ["TYPES", "Asked", "Version", "audio_of", "config_of", "read_message", "recognizer_of"]

_RECOGNIZER = re.compile(r"projects/([^/]+)/locations/([^/]+)/recognizers/(_|[a-z][a-z0-9-]{0,62})")
_ENCODINGS: Mapping[int, Mapping[int, Encoding]] = {
    1: {1: Encoding.PCM16, 3: Encoding.ULAW},
    2: {1: Encoding.PCM16, 2: Encoding.ULAW, 3: Encoding.ALAW},
}
MOST_LANGUAGES = 4
"""One, and three more."""


@dataclass(frozen=True, slots=True)
class Version:
    """The messages of a version, as their plain classes."""

    number: int
    streaming_request: Any
    streaming_response: Any
    request: Any
    response: Any

    @property
    def package(self) -> str:
        return f"google.cloud.speech.v{self.number}"


def _version(number: int, types: Any) -> Version:
    names = ("StreamingRecognizeRequest", "StreamingRecognizeResponse")
    return Version(
        number,
        *(getattr(types, name).pb() for name in (*names, "RecognizeRequest", "RecognizeResponse")),
    )


TYPES = {1: _version(1, v1), 2: _version(2, v2)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants.

    Attributes:
        format: of the audio; None when a file says it itself.
        words: whether the times of words are told.
        language: the first of those that may be spoken.
        step_ms: in what steps the times of words are told.
        interim, events: whether what is not final, and when somebody speaks, is told.
    """

    format: AudioFormat | None
    words: bool
    language: str
    step_ms: int
    interim: bool = False
    events: bool = False


def read_message(kind: Any, data: bytes) -> Any:
    """A message of this kind.

    Raises:
        Refusal: it is none.
    """
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise invalid("Request contains an invalid argument.") from None
    if len(UnknownFieldSet(message)):
        raise invalid("The request has fields that nobody knows")
    return message


def config_of(version: Version, message: Any, limits: Limits) -> Asked:
    """What the first message of a stream asks for.

    Raises:
        Refusal: it asks for nothing, or for what there is not.
    """
    if message.WhichOneof("streaming_request") != "streaming_config":
        raise invalid("Invalid request: the first message must hold a streaming_config, no audio.")
    streaming = message.streaming_config
    location = "global"
    if version.number == 2:
        location = recognizer_of(message.recognizer)
        features = streaming.streaming_features
        interim, events = features.interim_results, features.enable_voice_activity_events
    else:
        interim, events = streaming.interim_results, streaming.enable_voice_activity_events
        if streaming.single_utterance and streaming.config.model not in ("", "command_and_search"):
            raise invalid("single_utterance is not supported by this model.")
    asked = recognition_of(version, streaming.config, location, limits)
    check_words(streaming.config.model, asked.words)
    if asked.format is None:
        raise invalid("Invalid decoding config: audio without a header needs an explicit one.")
    return replace(asked, interim=interim, events=events)


def recognizer_of(name: str) -> str:
    """The location in a recognizer's name.

    Raises:
        Refusal: it is none.
    """
    matched = _RECOGNIZER.fullmatch(name)
    if matched is None:
        raise invalid(f"Invalid resource field value in the request: recognizer {name[:50]!r}.")
    return matched[2]


def recognition_of(version: Version, config: Any, location: str, limits: Limits) -> Asked:
    """What a configuration asks for; raises as `config_of`."""
    if version.number == 2:
        languages, features = list(config.language_codes), config.features
        phrases = [
            phrase.value
            for chosen in config.adaptation.phrase_sets
            for phrase in chosen.inline_phrase_set.phrases
        ]
        if not config.model:
            raise invalid("Invalid config: a model is required.")
    else:
        languages = [config.language_code, *config.alternative_language_codes]
        features = config
        phrases = [phrase for context in config.speech_contexts for phrase in context.phrases]
    if not languages or not languages[0]:
        raise invalid("Invalid recognition config: a language code is required.")
    if len(languages) > MOST_LANGUAGES:
        raise invalid("Invalid recognition config: too many languages.")
    check_offer(version.number, location, config.model, languages)
    _check_phrases(phrases, limits)
    words, audio_format = features.enable_word_time_offsets, _format_of(version, config)
    return Asked(audio_format, words, languages[0], limits.step_ms)


def audio_of(version: Version, message: Any, limits: Limits) -> bytes:
    """The audio in a message that is not the first.

    Raises:
        Refusal: there is none, or too much.
    """
    name = "audio" if version.number == 2 else "audio_content"
    if message.WhichOneof("streaming_request") != name:
        raise invalid("Invalid request: only the first message may hold a streaming_config.")
    audio: bytes = getattr(message, name)
    most = limits.audio_bytes[version.number - 1]
    if len(audio) > most:
        raise invalid(f"Invalid audio chunk: it can be of a maximum of {most} bytes.")
    return audio


def _format_of(version: Version, config: Any) -> AudioFormat | None:
    if version.number == 2:
        if config.WhichOneof("decoding_config") != "explicit_decoding_config":
            return None
        given = config.explicit_decoding_config
    else:
        given = config
        if not config.encoding:
            return None
    encoding = _ENCODINGS[version.number].get(given.encoding)
    if encoding is None:
        raise invalid("Invalid recognition config: bad encoding.")
    if not 8_000 <= given.sample_rate_hertz <= 48_000:
        raise invalid("Invalid recognition config: bad sample rate hertz.")
    channels = given.audio_channel_count
    if version.number == 2 and not channels:
        raise invalid("Invalid recognition config: bad audio channel count.")
    return AudioFormat(encoding, given.sample_rate_hertz, channels or 1)


def _check_phrases(phrases: Sequence[str], limits: Limits) -> None:
    if len(phrases) > limits.phrases:
        raise invalid("Invalid adaptation: too many phrases.")
    if any(not 0 < len(phrase) <= limits.phrase_characters for phrase in phrases):
        raise invalid("Invalid adaptation: a phrase is too long, or empty.")
