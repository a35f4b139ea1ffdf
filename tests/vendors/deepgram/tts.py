"""A synthesis connection, `/v1/speak` on a WebSocket: one text after the other."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from contextlib import aclosing
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.vendors.speech.groups import leaf
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import SENTENCE, Voice, spoken

from .limits import Limits
from .query import SpeakQuery
from .refusal import Closing, closing_of

__all__ = ["SpeakConnection"]

MINUTE_S = 60.0


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    type: Literal["Speak", "Flush", "Clear", "Close"]
    text: str | None = None


class SpeakConnection:
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        voice: who speaks.
        limits: how long it may take, and how much.
        query: what it asked for.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self, peer: Peer, voice: Voice, limits: Limits, query: SpeakQuery, *, pace: float | None
    ) -> None:
        self._peer = peer
        self._voice = voice
        self._limits = limits
        self._query = query
        self._pace = pace
        self._striker = Striker(peer, peer.record.fault)
        self._text = ""  # what waits for the end of its sentence, or a flush
        self._to_say: deque[str | None] = deque()  # None: all before it is flushed
        self._news = asyncio.Event()
        self._closing = False
        self._flushes: deque[float] = deque()
        self._sequence_id = 0
        self._sent_ms = 0.0
        self._tasks: asyncio.TaskGroup

    async def serve(self) -> None:
        """Until the client leaves, or says that it is done, or an error.

        Raises:
            Gone: the client left.
        """
        closing = Closing(1000, "")
        try:
            async with asyncio.timeout(self._limits.tts_session_s):
                await self._serve()
        except* Refusal as group:
            closing = closing_of(leaf(group))
        except* Closing as group:
            closing = leaf(group)
        except* TimeoutError:
            closing = Closing(1011, "NET-0003")
        await self._peer.close(closing.code, str(closing))

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            await self._striker.strike_if("open", 0)
            await self._peer.say(
                {
                    "type": "Metadata",
                    "request_id": str(uuid.uuid4()),
                    "model_name": self._query.model,
                    "model_version": "2025-04-07.0",
                    "model_uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, self._query.model)),
                }
            )
            speaker = self._tasks.create_task(self._speak())
            while not self._closing:
                message = self._read(await self._peer.receive())
                if message.type == "Clear":
                    speaker = await self._clear(speaker)
                elif message.type == "Speak":
                    self._take(message.text or "")
                elif message.type == "Close":
                    self._closing = True
                    self._flush()
                elif self._may_flush():
                    self._flush()
                else:
                    await self._warn("FLUSH_LIMIT", "Cannot process any more Flush messages")

    def _read(self, frame: str | bytes) -> _Message:
        if isinstance(frame, bytes):
            raise Closing(1008, "DATA-0000")
        try:
            message = _Message.model_validate(orjson.loads(frame))
        except (orjson.JSONDecodeError, ValidationError):
            raise Closing(1003, "MESSAGE-0000") from None
        if (message.type == "Speak") != (message.text is not None):
            raise Closing(1003, "MESSAGE-0000")
        if len(message.text or "") > self._limits.text_characters:
            raise Closing(1009, "BIG-0000")
        return message

    def _take(self, text: str) -> None:
        """Sentences that are whole are spoken, the rest waits."""
        self._text += text
        while sentence := SENTENCE.match(self._text):
            self._to_say.append(sentence.group())
            self._text = self._text[sentence.end() :]
        self._news.set()

    def _may_flush(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        while self._flushes and now_s - self._flushes[0] >= MINUTE_S:
            self._flushes.popleft()
        if len(self._flushes) >= self._limits.flushes_per_min:
            return False
        self._flushes.append(now_s)
        return True

    def _flush(self) -> None:
        self._to_say += [self._text, None]
        self._text = ""
        self._news.set()

    async def _clear(self, speaker: asyncio.Task[None]) -> asyncio.Task[None]:
        """Drop what is not spoken; that its flushes are then not answered is assumed."""
        speaker.cancel()
        await asyncio.wait([speaker])
        self._text = ""
        self._to_say.clear()
        await self._say("Cleared")
        return self._tasks.create_task(self._speak())

    async def _speak(self) -> None:
        while self._to_say or not self._closing:
            if not self._to_say:
                self._news.clear()
                await self._news.wait()
                continue
            text = self._to_say.popleft()
            if text is None:
                await self._say("Flushed")
            else:
                await self._say_text(text)

    async def _say_text(self, text: str) -> None:
        audio = spoken(
            self._voice,
            text,
            self._query.format,
            speed=self._query.speed,
            language=self._query.language,
            pace=self._pace,
        )
        held = b""
        async with aclosing(audio) as chunks:
            async for chunk in chunks:
                await self._send(held)
                held = chunk
        if held and next(filter(lambda waiting: waiting != "", self._to_say), "") is None:
            # The last of what is to be flushed.
            await self._striker.strike_if("finish", self._sent_ms)
        await self._send(held)

    async def _send(self, audio: bytes) -> None:
        if audio:
            await self._striker.strike_if("audio", self._sent_ms)
            await self._peer.send(audio)
            self._sent_ms += self._query.format.duration_ms(len(audio))

    async def _say(self, kind: str) -> None:
        await self._peer.say({"type": kind, "sequence_id": self._sequence_id})
        self._sequence_id += 1

    async def _warn(self, code: str, description: str) -> None:
        warning: Json = {"type": "Warning", "code": code, "description": description}
        await self._peer.say(warning)
