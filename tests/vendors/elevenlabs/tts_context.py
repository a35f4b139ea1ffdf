"""One context of a synthesis connection: text in, audio out, until it is closed."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from tests.vendors.speech.refusal import Json

from .refusal import Wrong
from .speaking import Speaker
from .tts_messages import MultiMessage
from .tts_query import TtsQuery

__all__ = ["Context", "Emit"]

Emit = Callable[[Json, float], Awaitable[None]]
"""Sends a message of the context; with it goes how much audio is in it, in ms."""


class Context:
    """Speaks what it is given, once it is flushed.

    Args:
        first: the message that began it.
        query: the connection's.
        speaker: who speaks.
        emit: where its messages go.

    Attributes:
        touched_s: when it was spoken to last, on the loop's clock.
    """

    def __init__(
        self,
        first: MultiMessage,
        query: TtsQuery,
        speaker: Speaker,
        emit: Emit,
    ) -> None:
        settings = first.voice_settings
        self._speed = (settings.speed if settings is not None else None) or 1.0
        self._query = query
        self._speaker = speaker
        self._emit = emit
        self._text = ""
        self._characters = 0
        self._flushed: deque[str] = deque()
        self._begun = False
        self._speaking = False
        self._closed = False
        self._news = asyncio.Event()
        self.touched_s = asyncio.get_running_loop().time()

    @property
    def busy(self) -> bool:
        """Whether there is something to be spoken."""
        return self._speaking or bool(self._flushed)

    def take(self, message: MultiMessage) -> None:
        """More text, a flush, or the end.

        Raises:
            Refusal: it is too much, or after the end.
        """
        if self._closed:
            raise Wrong("The context is closing")
        self.touched_s = asyncio.get_running_loop().time()
        if message.text != " ":  # with which a context begins
            self._text += message.text or ""
        self._characters += len(message.text or "")
        if self._characters > self._speaker.limits.text_characters:
            raise Wrong("The text is too long", kind="text_too_long")
        if message.flush or self._query.auto_mode:
            # The space that has to be at its end is not spoken.
            if text := self._text.removesuffix(" "):
                self._flushed.append(text)
            self._text = ""
        if message.close_context:
            self.close()
        self._news.set()

    def close(self) -> None:
        """Nothing more comes. One of whose audio nothing was sent yet ends without (observed)."""
        self._closed = True
        if not self._begun:
            self._flushed.clear()
        self._news.set()

    async def run(self) -> None:
        """Until it is closed, and what was flushed is spoken."""
        while not (self._closed and not self._flushed):
            self._news.clear()
            if not self._flushed:
                await self._news.wait()
                continue
            self._speaking = True
            await self._speak(self._flushed.popleft())
            self._speaking = False
        await self._emit({"isFinal": True, "audio": None}, 0)

    async def _speak(self, text: str) -> None:
        query = self._query
        pieces = self._speaker.speak(text, query.format, speed=self._speed, language=query.language)
        async with aclosing(pieces):
            async for piece in pieces:
                if self._closed and not self._begun:
                    return
                self._begun = True
                alignment = piece.alignment if query.sync_alignment else None
                message = {
                    "audio": base64.b64encode(piece.audio).decode(),
                    "isFinal": None,
                    "alignment": alignment,
                    "normalizedAlignment": alignment,
                }
                await self._emit(message, piece.duration_ms)
