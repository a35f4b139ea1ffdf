"""A transcription session: audio in, an item for each commit, and its text."""

from __future__ import annotations

import base64
import binascii
from contextlib import AsyncExitStack
from typing import Any

from tests.vendors.speech import stt
from tests.vendors.speech.hearing import Heard, Hearing, Listening
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .refusal import Wrong, check_keys, error_of, expect
from .session import EXPIRES_AT, Session
from .transcription_config import TranscriptionConfig, read_config

__all__ = ["TranscriptionStream"]

SHORTEST_MS = 100
DEFAULTS = {"format": {"type": "audio/pcm", "rate": 24_000}, "transcription": None}
_HEARD = "conversation.item.input_audio_transcription"


class TranscriptionStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here. An `error` makes an item fail, unless its scope
            is `connection` or no item has begun: then it ends the session.
        hearing: gives it a recognizer.
        lasts_s: after so long the session ends.
        swapped: whether of each two items the second is completed first.
    """

    def __init__(self, peer: Peer, hearing: Hearing, *, lasts_s: float, swapped: bool) -> None:
        super().__init__(peer, hearing)
        self._session = Session(peer, lasts_s)
        self._swapped = swapped
        self._config: TranscriptionConfig | None = None
        self._numbers = 1
        self._committed_ms = 0.0
        self._text = ""  # of the item that is being said
        self._previous: str | None = None
        self._waiting: Json | None = None  # a completion that lets another one pass
        self._scope = peer.record.fault.scope if peer.record.fault is not None else "connection"

    async def serve(self) -> None:
        """Until the client leaves, or the session ends.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            async with AsyncExitStack() as listening:
                await self._run(listening)
        except Refusal as refusal:
            await self._session.complain(refusal)
            await self.peer.close()

    async def say(self, heard: Heard) -> None:
        """What is final is told; what may still change never is, since pieces only add up."""
        for token in heard.final:
            self._text += token.text
            if self._config is not None and self._config.is_live:
                await self._tell_piece(token.text)

    async def _run(self, listening: AsyncExitStack) -> None:
        session = {
            "id": "sess_1",
            "object": "realtime.transcription_session",
            "type": "transcription",
            "audio": {"input": DEFAULTS},
            "expires_at": EXPIRES_AT,
        }
        await self._session.say("session.created", session=session)
        await self._session.run(lambda event: self._take(event, session, listening))

    async def _take(self, event: Json, session: Json, listening: AsyncExitStack) -> None:
        try:
            await self._obey(event, session, listening)
        except Wrong as wrong:
            await self._session.complain(wrong, event)
        except Refusal as refusal:
            if self._scope == "connection" or not self.audio_ms:
                raise
            await self._session.say(f"{_HEARD}.failed", **self._item, error=error_of(refusal))
            self._next_item()

    async def _obey(self, event: Json, session: Json, listening: AsyncExitStack) -> None:
        match event["type"]:
            case "session.update":
                check_keys(event, {"type", "event_id", "session"})
                await self._configure(expect(event, "session", dict), listening)
                await self._session.say("session.updated", session={**session, **event["session"]})
            case "input_audio_buffer.append":
                check_keys(event, {"type", "event_id", "audio"})
                await self._append(expect(event, "audio", str))
            case "input_audio_buffer.commit":
                check_keys(event, {"type", "event_id"})
                await self._commit()
            case "input_audio_buffer.clear":
                raise Wrong("This stand-in cannot clear its buffer.", "type", "invalid_value")
            case kind:
                known = "session.update, input_audio_buffer.append, input_audio_buffer.commit"
                message = f"Invalid value: '{kind}'. Supported values are: {known}."
                raise Wrong(message, "type", "invalid_value")

    async def _configure(self, session: Json, listening: AsyncExitStack) -> None:
        config = read_config(session)
        if self._config is not None and config.format != self._config.format:
            raise Wrong("The format cannot be changed.", "session.audio.input.format", None)
        if self._config is None:
            # A-law the stand-in takes, and understands nothing.
            await listening.enter_async_context(self.recognizing(Listening(config.format)))
        self._config = config

    async def _append(self, audio: str) -> None:
        if self._config is None:
            # The real one would take it in its default format (assumed: for nothing).
            raise Wrong("The session has no transcription yet.", "type", "invalid_value")
        try:
            data = base64.b64decode(audio, validate=True)
        except binascii.Error:
            raise Wrong("The audio is no base64.", "audio", "invalid_value") from None
        await self.hear(data)

    async def _commit(self) -> None:
        waiting_ms = self.audio_ms - self._committed_ms
        if waiting_ms < SHORTEST_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least"
                f" {SHORTEST_MS}ms of audio, but buffer only has {waiting_ms:.2f}ms of audio."
            )
            raise Wrong(message, None, "input_audio_buffer_commit_empty")
        item, previous = self._item["item_id"], self._previous
        self._committed_ms, self._previous = self.audio_ms, item
        await self._session.say(
            "input_audio_buffer.committed", item_id=item, previous_item_id=previous
        )
        content = [{"type": "input_audio", "transcript": None}]
        message_item = {"id": item, "type": "message", "role": "user", "content": content}
        await self._session.say(
            "conversation.item.added", item=message_item, previous_item_id=previous
        )
        # A commit is where a client's stream may end.
        await self.finish()
        await self._complete(waiting_ms)

    async def _complete(self, length_ms: float) -> None:
        assert self._config is not None
        text = self._text.strip()
        if text and not self._config.is_live:
            await self._tell_piece(text)
        completed: dict[str, Any] = {
            **self._item,
            "transcript": text,
            "usage": {"type": "duration", "seconds": length_ms / 1000},
        }
        if self._config.languages:
            completed["languages"] = [{"code": self._config.languages[0]}]
        self._next_item()
        if self._swapped and self._waiting is None:
            self._waiting = completed
            return
        await self._session.say(f"{_HEARD}.completed", **completed)
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            await self._session.say(f"{_HEARD}.completed", **waiting)

    async def _tell_piece(self, piece: str) -> None:
        await self._session.say(f"{_HEARD}.delta", **self._item, delta=piece)

    @property
    def _item(self) -> dict[str, Any]:
        return {"item_id": f"item_{self._numbers}", "content_index": 0}

    def _next_item(self) -> None:
        self._numbers += 1
        self._text = ""
