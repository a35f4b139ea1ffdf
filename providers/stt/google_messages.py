"""PURE: the messages of Google's recognizers, by the two versions of its API.

Source: https://docs.cloud.google.com/speech-to-text/docs/reference/rpc (google.cloud.speech.v1 and
v2). Both say the same in messages of their own, whose enumerations have other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.cloud.speech_v1.types import cloud_speech as v1
from google.cloud.speech_v2.types import cloud_speech as v2
from google.protobuf.message import DecodeError

from media.audio import AudioFormat, Encoding

from ..errors import InvalidResponseError
from .google_words import GoogleResult, GoogleWord

__all__ = ["APIS", "TIMES_NO_WORDS", "Api", "Asked", "Said"]

TIMES_NO_WORDS = "chirp_3"
"""A model that refuses to tell how sure it is of words, and of streams when they are said."""
_SPEAKING = {"SPEECH_ACTIVITY_BEGIN": True, "SPEECH_ACTIVITY_END": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recognizer is asked for, in Google's names.

    Attributes:
        recognizer: the resource's name; version 1 has none.
        format: of raw audio; None where a file says it itself.
        phrases: what may be said, that is hard to hear.
        events: whether it is told when somebody speaks.
    """

    recognizer: str
    model: str
    languages: Sequence[str]
    format: AudioFormat | None
    phrases: Sequence[str] = ()
    punctuation: bool = True
    profanity_filter: bool = False
    events: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a message of a stream says.

    Attributes:
        results: final and interim ones.
        speaking: whether somebody speaks from `at_ms` on; None when it is no event of that.
    """

    results: Sequence[GoogleResult]
    speaking: bool | None = None
    at_ms: float = 0.0


class Api:
    """One version of the API.

    Args:
        number: which.
        types: its messages.
        encodings: its numbers.
        names: of fields: of an event's time, a result's end, a word's start and end.
    """

    def __init__(
        self,
        number: int,
        types: Any,
        encodings: Mapping[Encoding, int],
        names: tuple[str, str, str, str],
    ) -> None:
        self.number = number
        self.streaming_request = types.StreamingRecognizeRequest.pb()
        self.request = types.RecognizeRequest.pb()
        self._response = types.StreamingRecognizeResponse.pb()
        self.encodings = encodings
        self._event, self._end, self._word_start, self._word_end = names
        events = self._response.SpeechEventType
        self._speaking = {events.Value(name): value for name, value in _SPEAKING.items()}

    def opening(self, asked: Asked) -> bytes:
        """The first message of a stream."""
        if self.number == 1:
            streaming: dict[str, Any] = {
                "config": self.config(asked, streamed=True),
                "interim_results": True,
                "enable_voice_activity_events": asked.events,
            }
            return _bytes(self.streaming_request(streaming_config=streaming))
        features = {"interim_results": True, "enable_voice_activity_events": asked.events}
        config = self.config(asked, streamed=True)
        streaming = {"config": config, "streaming_features": features}
        return _bytes(
            self.streaming_request(recognizer=asked.recognizer, streaming_config=streaming)
        )

    def audio(self, audio: bytes) -> bytes:
        """A message with audio."""
        if self.number == 1:
            return _bytes(self.streaming_request(audio_content=audio))
        return _bytes(self.streaming_request(audio=audio))

    def config(self, asked: Asked, *, streamed: bool = False) -> dict[str, Any]:
        """How something is to be recognized."""
        tells_words = asked.model != TIMES_NO_WORDS
        features: dict[str, Any] = {
            "enable_automatic_punctuation": asked.punctuation,
            "profanity_filter": asked.profanity_filter,
            "enable_word_time_offsets": tells_words or not streamed,
            "enable_word_confidence": tells_words,
        }
        config: dict[str, Any] = {"model": asked.model}
        if self.number == 1:
            config |= {**features, "language_code": asked.languages[0]}
            config["alternative_language_codes"] = list(asked.languages[1:])
            if asked.phrases:
                config["speech_contexts"] = [{"phrases": list(asked.phrases)}]
            return config | self._decoding(asked.format)
        config |= {"features": features, "language_codes": list(asked.languages)}
        if asked.phrases:
            phrases = [{"value": phrase} for phrase in asked.phrases]
            config["adaptation"] = {"phrase_sets": [{"inline_phrase_set": {"phrases": phrases}}]}
        if asked.format is None:
            return config | {"auto_decoding_config": {}}
        return config | {"explicit_decoding_config": self._decoding(asked.format)}

    def read(self, provider: str, data: bytes) -> Said:
        """What a stream was told.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        try:
            message = self._response.FromString(data)
        except DecodeError:
            raise InvalidResponseError(provider, "a message that cannot be read") from None
        return Said(
            list(self.results(message.results)),
            self._speaking.get(message.speech_event_type),
            _ms(getattr(message, self._event)),
        )

    def results(self, results: Sequence[Any]) -> Iterator[GoogleResult]:
        """What was understood, of a stream or a recording."""
        for result in results:
            best = result.alternatives[0] if result.alternatives else None
            yield GoogleResult(
                best.transcript if best else "",
                [self._word(word) for word in best.words] if best else [],
                _ms(getattr(result, self._end)),
                getattr(result, "is_final", True),
                result.language_code or None,
                _confidence(best.confidence) if best else None,
            )

    def _word(self, word: Any) -> GoogleWord:
        start_ms, end_ms = (_ms(getattr(word, name)) for name in (self._word_start, self._word_end))
        return GoogleWord(word.word, start_ms, end_ms, _confidence(word.confidence))

    def _decoding(self, format: AudioFormat | None) -> dict[str, Any]:
        if format is None:
            return {}
        return {
            "encoding": self.encodings[format.encoding],
            "sample_rate_hertz": format.sample_rate_hz,
            "audio_channel_count": format.channels,
        }


def _bytes(message: Any) -> bytes:
    serialized: bytes = message.SerializeToString()
    return serialized


def _confidence(told: float) -> float | None:
    """What Google says in 32 bits; 0 is nothing."""
    return round(told, 4) or None


def _ms(duration: Any) -> float:
    return float(duration.seconds * 1000 + duration.nanos / 1e6)


APIS: Mapping[int, Api] = {
    1: Api(
        1,
        v1,
        {Encoding.PCM16: 1, Encoding.ULAW: 3},
        ("speech_event_time", "result_end_time", "start_time", "end_time"),
    ),
    2: Api(
        2,
        v2,
        {Encoding.PCM16: 1, Encoding.ULAW: 2, Encoding.ALAW: 3},
        ("speech_event_offset", "result_end_offset", "start_offset", "end_offset"),
    ),
}
