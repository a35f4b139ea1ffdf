"""PURE: ElevenLabs' Scribe, real-time speech-to-text, `scribe_v2_realtime`.

Source: https://elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime

JSON both ways, audio in base64. Words have times only once they are *committed*, and we commit:
when the engine finalizes, which is when our own voice activity detection has heard the end of an
utterance. The vendor could detect that itself (`commit_strategy=vad`), but no sooner than after
0.3 s of silence on top of its own delay, and it would be left to guess which of its commits answers
which of ours. In a long silence we commit too, since otherwise the vendor does so when it likes.

Each commit is answered twice, with the text, and with words and times, mostly in this order. Those
with times count; a text for which none come (others have seen that) counts when they are late, or
the next text is there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from media.audio import Encoding

from ..codec import Close, Failed, Frame, Request
from ..elevenlabs import PROVIDER, ElevenLabsAccount, tag_of
from ..elevenlabs_errors import closing, failure, refusal
from ..errors import InvalidResponseError, ProviderError
from ..messages import read
from ..types import SttOptions
from .elevenlabs_commits import Commit, Commits, Reason
from .elevenlabs_options import check_languages, key_terms, languages, offered
from .elevenlabs_words import placed, words_of
from .heard import Finalized, Finished, Heard, HeardEvent, Token
from .quiet import is_quiet
from .terms import honoured_with
from .timeline import Timeline
from .untimed import spread

__all__ = ["ElevenLabsRecognizer", "ElevenLabsSttCodec"]

MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS = 50, 20, 5
LEAST_COMMIT_MS = 300
"""A commit of less audio is refused: silence makes it up."""
PAUSE_COMMIT_MS, PAUSE_MS = 20_000, 300
"""After so long without a commit, the next pause of that length is committed."""
KEEPALIVE_MS = 20
LATE_S = 0.5
"""So long after its text alone the words with times of a commit are late."""
INTERIM_LEAD_MS = 500
"""Interim text has no times: its first word is taken to have begun so long before it came."""
_FORMATS = {(Encoding.ULAW, 8_000): "ulaw_8000"}
_FORMATS |= {(Encoding.PCM16, rate_hz): f"pcm_{rate_hz}" for rate_hz in (8_000, 16_000)}
_COMMITTED = "committed_transcript_with_timestamps"


class ElevenLabsRecognizer:
    """The `SttVendor` for ElevenLabs.

    Args:
        account: key, address, models; see `ElevenLabsAccount`.

    Raises:
        MissingKeyError: there is no key.
    """

    name = PROVIDER
    capabilities = offered()

    def __init__(self, **account: Any) -> None:
        self._account = ElevenLabsAccount(**account)

    def honours(self, options: SttOptions) -> frozenset[str]:
        """Which options it honours: not those of which words are left out."""
        return honoured_with(_terms(options), options, self.capabilities.options)

    def codec(self, options: SttOptions) -> ElevenLabsSttCodec:
        """The codec of one connection.

        Raises:
            UnsupportedLanguageError: a language is not on offer.
        """
        check_languages(options, self.capabilities)
        return ElevenLabsSttCodec(self._account, options)


def _terms(options: SttOptions) -> list[str]:
    return key_terms(options, MOST_TERMS, MOST_TERM_CHARACTERS, MOST_TERM_WORDS)


class ElevenLabsSttCodec:
    """One connection with the recognizer."""

    # It closes after some 15 s without audio.
    keepalive_s: float | None = 10.0
    lasts_s: float | None = None
    ready = True

    def __init__(self, account: ElevenLabsAccount, options: SttOptions) -> None:
        self._account = account
        self._options = options
        self._format = options.audio
        self._timeline = Timeline()
        self._commits = Commits()
        self._committed_ms = 0.0  # as the vendor counts: where the last commit is
        self._pause_ms = 0.0
        self._interim = ""
        self._interim_ms = (0.0, 0.0)

    @property
    def silence_s(self) -> float | None:
        """How long times may be missing of a text that has come."""
        return LATE_S if self._commits.has_text else None

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
        if language is None:
            query.append(("include_language_detection", "true"))
        else:
            query.append(("language_code", language))
        query += [("secondary_languages", code) for code in others]
        query += [("keyterms", term) for term in _terms(options)]
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
        """The texts whose times do not come."""
        return list(self._over(self._commits.take_told()))

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
                return list(self._untimed(message["text"].strip()))
            if kind == "partial_transcript":
                return [self._partial(message["text"].strip())]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidResponseError(PROVIDER, "a transcript is not what it should be") from None
        if kind == "commit_throttled":
            return list(self._over(self._commits.take_throttled()))
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
        self._commits.add(Commit(reason, at_ms, timeline.sent_ms))
        self._committed_ms, self._pause_ms = timeline.sent_ms, 0.0

    def _is_time(self, audio: bytes) -> bool:
        """Whether a pause has come in which to commit."""
        if self._timeline.sent_ms - self._committed_ms < PAUSE_COMMIT_MS:
            return False
        if not is_quiet(audio, self._format.encoding):
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
        commit, told = self._commits.next, self._commits.words
        to_ms = self._timeline.stream_ms if commit is None else commit.at_ms
        if not text:
            self._interim = ""
            return Heard(interim=told, processed_ms=round(to_ms))
        if text != self._interim:
            begun_ms = self._interim_ms[0] if self._interim else max(0.0, to_ms - INTERIM_LEAD_MS)
            self._interim, self._interim_ms = text, (begun_ms, max(begun_ms, to_ms))
        return Heard(interim=told + spread(text, *self._interim_ms))

    def _timed(self, message: Mapping[str, Any]) -> Sequence[HeardEvent]:
        language, text = tag_of(message.get("language_code")), message["text"].strip()
        listed = message.get("words") or ()
        tokens = tuple(placed(listed, self._timeline, language))
        end_ms = max((word.end_ms for word in words_of(listed)), default=None)
        over = self._commits.take_timed(text, end_ms, self._own())
        if over:
            last = over[-1]
            guess = last.words or self._guess(text, last.at_ms)
            last.words = tokens or guess
        return list(self._over(over))

    def _untimed(self, text: str) -> Iterator[HeardEvent]:
        """A text alone: those before it are not waited for, it is shown until its times come."""
        if not self._commits.wants(text):
            return
        yield from self._over(self._commits.take_told())
        commit = self._commits.next
        if commit is None:
            commit = self._own()
            self._commits.add(commit)
        commit.text, commit.words = text, self._guess(text, commit.at_ms)
        yield Heard(interim=self._commits.words)

    def _own(self) -> Commit:
        """What the vendor has committed by itself, just now."""
        return Commit("vendor", self._timeline.stream_ms, self._timeline.sent_ms)

    def _guess(self, text: str, at_ms: float) -> tuple[Token, ...]:
        """Words without times are better than none."""
        begun_ms = self._interim_ms[0] if self._interim else at_ms - INTERIM_LEAD_MS
        self._interim = ""
        return spread(text, min(max(0.0, begun_ms), at_ms), at_ms)

    def _over(self, commits: Sequence[Commit]) -> Iterator[HeardEvent]:
        """Commits are answered."""
        for commit in commits:
            told = self._commits.words
            yield Heard(final=commit.words, interim=told, processed_ms=round(commit.at_ms))
            if commit.reason != "vendor":
                self._timeline.forget(commit.vendor_ms)
            if commit.reason == "finalize":
                yield Finalized()
            elif commit.reason == "closing":
                yield Finished()
