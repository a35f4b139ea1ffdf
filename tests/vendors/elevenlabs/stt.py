"""A stream of Scribe: audio in JSON, text that may change, and commits that make it stay."""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.vendors.speech import stt
from tests.vendors.speech.hearing import END, Heard, Hearing, Listening, Token
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .limits import Limits
from .refusal import Wrong, invalid_fields, scribe_error
from .stt_query import ScribeQuery, read_query

__all__ = ["ScribeStream", "words_of"]

POLICY = 1008


class _Chunk(BaseModel):
    """The one message that a client may send."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    message_type: Literal["input_audio_chunk"]
    audio_base_64: str
    commit: bool = False
    sample_rate: Annotated[int, Field(gt=0)] | None = None
    previous_text: str | None = None


class ScribeStream(stt.SttStream):
    """Serves one client.

    A `final` fault strikes in the place of a commit's answer that has words; `finish` at any
    commit.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._query: ScribeQuery
        self._segment: list[Token] = []
        self._text = ""
        self._committed_ms = 0.0
        self._timed = 0
        self._first = True

    async def serve(self, *, refused: Refusal | None) -> None:
        """Until the client leaves, or an error.

        Args:
            refused: why this client may not be here; it is told at once.

        Raises:
            Gone: the client left.
        """
        try:
            if refused is not None:
                raise refused
            await self.opened()
            self._query = read_query(self.peer.record.query)
            await self.peer.say(self._started())
            endpoint_ms = self._query.endpoint_ms
            listening = Listening(self._query.format, endpoint_ms, whole_words=True)
            async with self.recognizing(listening):
                await self._run()
        except TimeoutError:
            await self.peer.close()
        except Refusal as refusal:
            await self.peer.say(scribe_error(refusal))
            await self.peer.close(POLICY)

    async def tell(self, heard: Heard) -> None:
        ended = END in heard.final
        # What the recognizer is sure of may change all the same, until it is committed.
        self._segment += [token for token in heard.final if token != END]
        await super().tell(Heard(interim=[*self._segment, *heard.interim]))
        if ended:
            await self._commit()

    async def say(self, heard: Heard) -> None:
        text = _text_of(heard.interim)
        if text and text != self._text:
            self._text = text
            await self.peer.say({"message_type": "partial_transcript", "text": text})

    def advanced(self) -> None:
        if self.audio_ms > self._limits.session_ms:
            raise Refusal(400, "session_time_limit_exceeded", "The session has lasted too long")

    async def _run(self) -> None:
        while True:
            chunk = self._read(await self.peer.receive(self._limits.stt_idle_s))
            try:
                audio = base64.b64decode(chunk.audio_base_64, validate=True)
            except (ValueError, binascii.Error):
                raise Wrong("audio_base_64 is no base64", kind="input_error") from None
            if self._query.format.duration_ms(len(audio)) > self._limits.chunk_ms:
                raise Wrong("The chunk is too large", kind="chunk_size_exceeded")
            await self.hear(audio)
            if chunk.commit:
                await self._asked()
            elif self.audio_ms - self._committed_ms >= self._limits.auto_commit_ms:
                await self._commit()

    def _read(self, frame: str | bytes) -> _Chunk:
        if isinstance(frame, bytes):
            raise Wrong("Binary messages are not accepted", kind="input_error")
        try:
            chunk = _Chunk.model_validate_json(frame)
        except ValidationError as error:
            wrong = invalid_fields(error)
            raise Wrong(str(wrong), kind="input_error") from None
        if chunk.sample_rate not in (None, self._query.format.sample_rate_hz):
            raise Wrong("sample_rate is not the audio_format's", kind="input_error")
        if chunk.previous_text is not None and not self._first:
            raise Wrong("previous_text is for the first chunk", kind="invalid_request")
        self._first = False
        return chunk

    async def _asked(self) -> None:
        got_ms = self.audio_ms - self._committed_ms
        if got_ms < self._limits.least_commit_ms:
            least_s = self._limits.least_commit_ms / 1000
            await self.peer.say(
                {
                    "message_type": "commit_throttled",
                    "error": f"Commit request ignored: only {got_ms / 1000:.2f}s of uncommitted"
                    f" audio. You need at least {least_s}s of uncommitted audio before committing.",
                }
            )
            return
        await self._commit()

    async def _commit(self) -> None:
        await self._strike_if("finish")
        heard = await self.settle()
        tokens = [*self._segment, *(token for token in heard.final if token != END)]
        self._segment, self._text, self._committed_ms = [], "", self.audio_ms
        if tokens:
            await self._strike_if("final")
        if self._trickle_s is not None:
            await asyncio.sleep(self._trickle_s)
        first, *rest = self._answers(tokens)
        await self.peer.say(first)
        for message in rest:
            await asyncio.sleep(self._limits.times_after_s)
            await self.peer.say(message)

    def _answers(self, tokens: Sequence[Token]) -> list[Json]:
        """Two where times are asked for; the timed one first when nothing was said (observed)."""
        text = _text_of(tokens)
        plain = {"message_type": "committed_transcript", "text": text}
        if not self._query.include_timestamps or self._timed == self._limits.timed_commits:
            return [plain]
        self._timed += 1
        timed = {
            "message_type": "committed_transcript_with_timestamps",
            "text": text,
            "language_code": self._query.language_code
            or ("en" if self._query.include_language_detection else None),
            "words": words_of(tokens),
        }
        return [plain, timed] if text else [timed, plain]

    def _started(self) -> Json:
        config = self._query.model_dump(exclude_defaults=True)
        config["sample_rate"] = self._query.format.sample_rate_hz
        session_id = secrets.token_hex(16)
        return {"message_type": "session_started", "session_id": session_id, "config": config}


def words_of(tokens: Sequence[Token]) -> list[Json]:
    """Words, and the space between them, with times in seconds."""
    words: list[Json] = []
    for token in tokens:
        assert token.start_ms is not None
        assert token.end_ms is not None
        start_s, end_s = token.start_ms / 1000, token.end_ms / 1000
        if words:
            words.append(
                {"text": " ", "start": words[-1]["end"], "end": start_s, "type": "spacing"}
            )
        words.append(
            {
                "text": token.text.strip(),
                "start": start_s,
                "end": end_s,
                "type": "word",
                "logprob": 0.0,
                "speaker_id": None,
            }
        )
    return words


def _text_of(tokens: Sequence[Token]) -> str:
    return " ".join(token.text.strip() for token in tokens)
