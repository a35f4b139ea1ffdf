"""One context of a synthesis connection: text in, audio out, until it is done."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable

from media.audio import Samples, encode
from providers.tts.words import word_spans
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.voices import CHUNK_MS, Speaking, Voice, sayable

from .limits import Limits
from .refusal import error_fields
from .tts_messages import Generation

__all__ = ["Context", "Emit"]

Emit = Callable[[Json, float, bool], Awaitable[None]]
"""Sends a message of the context: how much audio is in it, in ms, and whether that is the last."""


class Context:
    """Speaks what it is given.

    Args:
        first: what it was begun with.
        voice: who speaks.
        limits: how long to wait for text.
        emit: where its messages go.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self, first: Generation, voice: Voice, limits: Limits, emit: Emit, pace: float | None
    ) -> None:
        self._how = first.how
        self._format = first.format
        self._voice = voice
        self._limits = limits
        self._emit = emit
        self._pace = pace
        self._text = ""
        self._ended = False
        self._to_flush = 0
        self._flushes = 0
        self._canceled = False
        self._spoken_ms = 0.0
        self._refusal: Refusal | None = None
        self._news = asyncio.Event()
        self.take(first)

    def take(self, message: Generation) -> None:
        """More text; what does not fit ends the context."""
        if self._ended:
            self.fail(Refusal(400, None, "the context takes no more text"))
        elif message.how != self._how:
            self.fail(Refusal(400, None, "all fields but the transcript have to stay the same"))
        else:
            self._text += message.transcript
            self._ended = not message.continue_
            self._to_flush += message.flush
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
            while not (self._canceled or self._is_over):
                await self._next()
            if self._refusal is not None:
                raise self._refusal
        except Refusal as refusal:
            await self._emit({"type": "error", "done": True, **error_fields(refusal)}, 0, False)
        else:
            await self._emit({"type": "done", "done": True, "status_code": 200}, 0, False)

    @property
    def _is_over(self) -> bool:
        waits = not self._ended or self._text or self._to_flush
        return self._refusal is not None or not waits

    async def _next(self) -> None:
        """Speak what can be spoken, flush what is to be, or wait for more."""
        text, self._text = sayable(self._voice, self._text, ended=self._ended or self._to_flush > 0)
        if text:
            await self._speak(text)
        elif self._to_flush:
            self._to_flush -= 1
            self._flushes += 1
            await self._say("flush_done", flush_done=True, flush_id=self._flushes)
        else:
            try:
                async with asyncio.timeout(self._limits.text_s):
                    await self._news.wait()
            except TimeoutError:
                self._ended = True
            self._news.clear()

    async def _speak(self, text: str) -> None:
        how, rate_hz = self._how, self._format.sample_rate_hz
        speed = how.generation_config.speed or 1.0
        samples = await self._voice.speak(text, Speaking(rate_hz, speed, how.language))
        if how.add_timestamps:
            await self._say("timestamps", word_timestamps=self._timestamps(text, samples))
        size = self._format.byte_count(CHUNK_MS) // self._format.frame_bytes
        for at in range(0, samples.size, size):
            is_last = self._ended and not self._text and at + size >= samples.size
            await self._chunk(samples[at : at + size], is_last=is_last)
            # What was on its way when it was canceled still comes.
            if self._canceled or self._refusal is not None:
                return

    async def _chunk(self, samples: Samples, *, is_last: bool) -> None:
        duration_ms = samples.size * 1000 / self._format.sample_rate_hz
        # Also at once others get their turn: else nobody could cancel anything.
        await asyncio.sleep(0 if self._pace is None else duration_ms / 1000 / self._pace)
        data = base64.b64encode(encode(samples, self._format.encoding)).decode()
        chunk: Json = {"type": "chunk", "data": data, "step_time": 40.0}
        await self._emit({**chunk, "done": False, "status_code": 206}, duration_ms, is_last)
        self._spoken_ms += duration_ms

    async def _say(self, kind: str, **fields: object) -> None:
        await self._emit({"type": kind, "done": False, "status_code": 206, **fields}, 0, False)

    def _timestamps(self, text: str, samples: Samples) -> Json:
        """Of the words of a text, whose characters share its time evenly."""
        spans = word_spans(text)
        each_s = samples.size / self._format.sample_rate_hz / max(1, len(text))
        begin_s = self._spoken_ms / 1000
        return {
            "words": [text[begin:end] for begin, end in spans],
            "start": [round(begin_s + begin * each_s, 3) for begin, _ in spans],
            "end": [round(begin_s + end * each_s, 3) for _, end in spans],
        }
