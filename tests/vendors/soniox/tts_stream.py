"""One stream of a synthesis connection: text in, audio out, until it is terminated."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable

from media.audio import Samples, encode
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.voices import CHUNK_MS, Speaking, Voice, sayable

from .limits import Limits
from .refusal import error_body, invalid, stream_state, timed_out
from .tts_messages import Text, TtsConfig

__all__ = ["Emit", "TtsStream"]


Emit = Callable[[Json, float], Awaitable[None]]
"""Sends a message of the stream; with it goes how much audio is in it, in ms."""


class TtsStream:
    """Speaks what it is given.

    Args:
        config: what it was started with.
        voice: who speaks.
        limits: how much, and how long to wait for text.
        emit: where its messages go.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self, config: TtsConfig, voice: Voice, limits: Limits, emit: Emit, pace: float | None
    ) -> None:
        self._config = config
        self._format = config.format
        self._voice = voice
        self._limits = limits
        self._emit = emit
        self._pace = pace
        self._text = ""
        self._text_bytes = 0
        self._spoken_ms = 0.0
        self._ended = False
        self._refusal: Refusal | None = None
        self._canceled = False
        self._news = asyncio.Event()

    def take(self, message: Text) -> None:
        """More text; a fault of it ends the stream, in its turn."""
        self._text_bytes += len(message.text.encode())
        if self._ended:
            self.fail(stream_state("Text after text_end"))
        elif self._text_bytes > self._limits.tts_text_bytes:
            self.fail(invalid(f"text: at most {self._limits.tts_text_bytes} bytes"))
        else:
            self._text += message.text
            self._ended = message.text_end
            self._news.set()

    def cancel(self) -> None:
        """Say no more than what is on its way."""
        self._canceled = True
        self._news.set()

    def fail(self, refusal: Refusal) -> None:
        """End with an error."""
        self._refusal = self._refusal or refusal
        self._news.set()

    async def run(self) -> None:
        """Until all is spoken, or nothing more is wanted, or something is wrong."""
        try:
            await self._speak()
        except Refusal as refusal:
            await self._emit(error_body(refusal), 0)
        await self._emit({"terminated": True}, 0)

    async def _speak(self) -> None:
        config = self._config
        how = Speaking(self._format.sample_rate_hz, config.speed or 1.0, config.language)
        async for text in self._pieces():
            samples = await self._voice.speak(text, how)
            size = self._format.byte_count(CHUNK_MS) // self._format.frame_bytes
            for at in range(0, samples.size, size):
                is_last = self._ended and not self._text and at + size >= samples.size
                if not await self._chunk(samples, at, size, text, is_last=is_last):
                    return
                if is_last:
                    return
        if not self._canceled:
            await self._emit({"audio_end": True}, 0)

    async def _chunk(
        self, samples: Samples, at: int, size: int, text: str, *, is_last: bool
    ) -> bool:
        """Send one; whether the stream goes on after it."""
        part = samples[at : at + size]
        duration_ms = part.size * 1000 / self._format.sample_rate_hz
        if self._spoken_ms + duration_ms > self._limits.tts_audio_ms:
            raise Refusal(413, "max_audio_duration_reached", "Maximum audio duration reached")
        # Also at once others get their turn: else nobody could cancel anything.
        await asyncio.sleep(0 if self._pace is None else duration_ms / 1000 / self._pace)
        if self._refusal is not None:
            raise self._refusal
        audio = base64.b64encode(encode(part, self._format.encoding)).decode()
        message: Json = {"audio": audio, "audio_end": is_last}
        if self._config.return_timestamps:
            message["timestamps"] = self._timestamps(text, at, size, samples.size)
        await self._emit(message, duration_ms)
        self._spoken_ms += duration_ms
        # What was on its way when it was canceled still comes.
        return not self._canceled

    def _timestamps(self, text: str, at: int, size: int, total: int) -> Json:
        """Of the characters that begin in a chunk; they share the time of `text` evenly."""
        rate_hz = self._format.sample_rate_hz
        begin_s = self._spoken_ms / 1000 - at / rate_hz
        each = total / len(text)
        within = [n for n in range(len(text)) if at <= n * each < at + size]
        return {
            "characters": [text[n] for n in within],
            "character_start_times_seconds": [
                round(begin_s + n * each / rate_hz, 3) for n in within
            ],
            "character_end_times_seconds": [
                round(begin_s + (n + 1) * each / rate_hz, 3) for n in within
            ],
        }

    async def _pieces(self) -> AsyncIterator[str]:
        """What can be spoken, as it comes."""
        while True:
            if self._refusal is not None:
                raise self._refusal
            if self._canceled:
                return
            piece = self._next_piece()
            if piece:
                yield piece
            elif self._ended:
                return
            else:
                await self._more()

    def _next_piece(self) -> str:
        piece, self._text = sayable(self._voice, self._text, ended=self._ended)
        return piece

    async def _more(self) -> None:
        try:
            async with asyncio.timeout(self._limits.tts_text_s):
                await self._news.wait()
        except TimeoutError:
            raise timed_out("Input too slow") from None
        self._news.clear()
