"""PURE: ElevenLabs' Scribe, real-time speech-to-text, `scribe_v2_realtime`.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime

JSON both ways, audio in base64. Words have times only once they are *committed*, and we commit:
when the engine finalizes, which is when our own voice activity detection has heard the end of an
utterance. The vendor could detect that itself (`commit_strategy=vad`), but no sooner than after
0.3 s of silence on top of its own delay, and it would be left to guess which of its commits answers
which of ours. In a long silence we commit too, since otherwise the vendor does so when it likes.

Each commit is answered twice, with the text, and with words and times, mostly in this order. Those
with times count; a text for which none come (others have seen that) counts when it is late.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson

from media.audio import Encoding, decode

from ..codec import Close, Failed, Frame, Request
from ..elevenlabs import PROVIDER, ElevenLabsAccount, tag_of
from ..elevenlabs_errors import closing, failure, refusal
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..types import SttOptions
from .elevenlabs_options import check_languages, key_terms, languages, offered
from .elevenlabs_timeline import Timeline
from .elevenlabs_words import placed, spread
from .heard import Finalized, Finished, Heard, HeardEvent, Token

__all__ = ["ElevenLabsRecognizer", "ElevenLabsSttCodec"]

MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS = 50, 20, 5
LEAST_COMMIT_MS = 300
"""A commit of less audio is refused: silence makes it up."""
PAUSE_COMMIT_MS, PAUSE_MS = 20_000, 300
"""After so long without a commit, the next pause of that length is committed."""
QUIET_PEAK = 1_000
"""Samples below it (-30 dBFS) are a pause."""
KEEPALIVE_MS = 20
INTERIM_LEAD_MS = 500
"""Interim text has no times: its first word is taken to have begun so long before it came."""
_FORMATS = {(Encoding.ULAW, 8_000): "ulaw_8000"}
_FORMATS |= {(Encoding.PCM16, rate_hz): f"pcm_{rate_hz}" for rate_hz in (8_000, 16_000)}
_COMMITTED = "committed_transcript_with_timestamps"

Reason = Literal["finalize", "pause", "closing"]


class ElevenLabsRecognizer:
    """The `SttVendor` for ElevenLabs.

    Args:
        account: key, address, models; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    honours = None
    capabilities = offered()

    def __init__(self, **account: Any) -> None:
        self._account = ElevenLabsAccount(**account)

    def codec(self, options: SttOptions) -> ElevenLabsSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        check_languages(options, self.capabilities)
        return ElevenLabsSttCodec(self._account, options)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit of ours that is not answered yet.

    Attributes:
        at_ms, vendor_ms: where it is in the stream, and as the vendor counts.
    """

    reason: Reason
    at_ms: float
    vendor_ms: float


class ElevenLabsSttCodec:
    """One connection with the recognizer."""

    # It closes after some 15 s without audio.
    keepalive_s: float | None = 10.0
    lasts_s: float | None = None
    # So long after its text alone the words with times of a commit are late.
    silence_s: float | None = 0.5
    ready = True

    def __init__(self, account: ElevenLabsAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._format = options.audio
        self._timeline = Timeline()
        self._commits: deque[_Commit] = deque()
        self._committed_ms = 0.0  # as the vendor counts: where the last commit is
        self._pause_ms = 0.0
        self._interim = ""
        self._interim_ms = (0.0, 0.0)
        self._text: str | None = None  # of a commit whose words have not come
        self._times_first = 0  # commits whose text alone comes yet
        self._given: str | None = None  # a text that was given without its words

    def request(self) -> Request:
        """How to connect: with the key in the handshake."""
        account, options = self._account, self._options
        encoding, rate_hz = self._format.encoding, self._format.sample_rate_hz
        query = [
            ("model_id", options.model or account.stt_model),
            ("audio_format", _FORMATS[encoding, rate_hz]),
            ("commit_strategy", "manual"),
            ("include_timestamps", "true"),
        ]
        language, others = languages(options)
        if language is not None:
            query.append(("language_code", language))
        query += [("secondary_languages", code) for code in others]
        terms = key_terms(options, MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS)
        query += [("keyterms", term) for term in terms]
        url = account.socket_url("v1", "speech-to-text", "realtime", query=query)
        return Request(url, account.headers)

    def opening(self) -> Sequence[Frame]:
        """Nothing: all is in the address."""
        return ()

    def audio(self, audio: bytes) -> Frame:
        """Audio; in a pause, when it is time for that, with a commit."""
        self._timeline.send(self._format.duration_ms(len(audio)))
        commit = self._is_time(audio)
        if commit:
            self._commit("pause")
        return self._chunk(audio, commit=commit)

    def finalize(self) -> Frame | None:
        """A commit; none when all is committed, and answered."""
        if self._timeline.sent_ms == self._committed_ms and not self._commits:
            return None
        return self._ending("finalize")

    def unanswered(self) -> Sequence[HeardEvent]:
        """The text of a commit whose words do not come."""
        text, self._text = self._text, None
        if text is None:
            return ()
        self._given = text
        return list(self._committed(text))

    def closing(self) -> Frame:
        """The last commit: when it is answered, all is said."""
        return self._ending("closing")

    def keepalive(self) -> Frame:
        """A moment of silence: audio is all that the vendor knows."""
        self._timeline.add(KEEPALIVE_MS)
        return self._chunk(self._format.silence(KEEPALIVE_MS), commit=False)

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """What an HTTP status other than 101 means."""
        return refusal(PROVIDER, status, headers, body)

    def closed(self, close: Close) -> Sequence[Failed]:
        """What went wrong may be told by the close frame alone."""
        error = closing(PROVIDER, close)
        return () if error is None else [Failed(error)]

    def decode(self, frame: Frame) -> Sequence[HeardEvent | Failed]:
        """What the recognizer said.

        Raises:
            InvalidResponseError: it is no message of the protocol.
        """
        message = read(PROVIDER, frame)
        kind = message.get("message_type")
        try:
            if kind == _COMMITTED:
                return self._timed(message)
            if kind == "committed_transcript":
                return self._untimed(message["text"].strip())
            if kind == "partial_transcript":
                return [self._partial(message["text"].strip())]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidResponseError(PROVIDER, "a transcript is not what it should be") from None
        if kind == "commit_throttled":
            return list(self._committed(""))
        if isinstance(kind, str) and isinstance(error := message.get("error"), str):
            return [Failed(failure(PROVIDER, kind, error))]
        return []

    def _ending(self, reason: Reason) -> Frame:
        """A commit after all that was sent, of enough audio to be accepted."""
        lacking_ms = max(0.0, LEAST_COMMIT_MS - (self._timeline.sent_ms - self._committed_ms))
        at_ms = self._timeline.stream_ms
        if lacking_ms:
            self._timeline.add(lacking_ms)
        self._commit(reason, at_ms)
        return self._chunk(self._format.silence(lacking_ms), commit=True)

    def _commit(self, reason: Reason, at_ms: float | None = None) -> None:
        timeline = self._timeline
        at_ms = timeline.stream_ms if at_ms is None else at_ms
        self._commits.append(_Commit(reason, at_ms, timeline.sent_ms))
        self._committed_ms, self._pause_ms = timeline.sent_ms, 0.0

    def _is_time(self, audio: bytes) -> bool:
        """Whether a pause has come in which to commit."""
        if self._timeline.sent_ms - self._committed_ms < PAUSE_COMMIT_MS:
            return False
        samples = decode(audio, self._format.encoding)
        if np.abs(samples.astype(np.int32)).max() >= QUIET_PEAK:
            self._pause_ms = 0.0
            return False
        self._pause_ms += self._format.duration_ms(len(audio))
        return self._pause_ms >= PAUSE_MS

    def _chunk(self, audio: bytes, *, commit: bool) -> Frame:
        return orjson.dumps(
            {
                "message_type": "input_audio_chunk",
                "audio_base_64": base64.b64encode(audio).decode(),
                "commit": commit,
                "sample_rate": self._format.sample_rate_hz,
            }
        ).decode()

    def _partial(self, text: str) -> Heard:
        """The whole of what is not committed. What was sent after a commit is not in it."""
        to_ms = self._commits[0].at_ms if self._commits else self._timeline.stream_ms
        if not text:
            self._interim = ""
            return Heard(processed_ms=round(to_ms))
        if text != self._interim:
            begun_ms = self._interim_ms[0] if self._interim else max(0.0, to_ms - INTERIM_LEAD_MS)
            self._interim, self._interim_ms = text, (begun_ms, max(begun_ms, to_ms))
        return Heard(interim=spread(text, *self._interim_ms))

    def _timed(self, message: Mapping[str, Any]) -> Sequence[HeardEvent]:
        language, text = tag_of(message.get("language_code")), message["text"].strip()
        tokens = tuple(placed(message.get("words") or (), self._timeline, language))
        if self._text is None and text == self._given:
            self._given = None  # its words came after all
            return ()
        if self._text is None:
            self._times_first += 1
        self._text = self._given = None
        return list(self._committed(text, tokens))

    def _untimed(self, text: str) -> Sequence[HeardEvent]:
        if self._times_first:
            self._times_first -= 1
        else:
            self._text = text
        return ()

    def _committed(self, text: str, tokens: Sequence[Token] = ()) -> Iterator[HeardEvent]:
        """A commit is answered; when none of ours is due, the vendor has made one by itself."""
        commit = self._commits.popleft() if self._commits else None
        at_ms = self._timeline.stream_ms if commit is None else commit.at_ms
        if text and not tokens:
            # Words without times are better than none.
            begun_ms = self._interim_ms[0] if self._interim else at_ms - INTERIM_LEAD_MS
            tokens = spread(text, min(max(0.0, begun_ms), at_ms), at_ms)
        self._interim = ""
        yield Heard(final=tokens, processed_ms=round(at_ms))
        if commit is None:
            return
        self._timeline.forget(commit.vendor_ms)
        if commit.reason == "finalize":
            yield Finalized()
        elif commit.reason == "closing":
            yield Finished()
