"""`POST /v1/audio/speech`: a text, and its audio."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

from media.audio import AudioFormat, Encoding
from media.files import wav_header
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.voices import Voice, spoken

from .offer import SPEECH_MODELS, VOICES, check_model
from .reading_request import read_voice
from .refusal import Wrong, check_keys, expect, unknown_value

__all__ = ["Made", "answer_speech"]

MAX_CHARACTERS = 4_096
RATE_HZ = 24_000
PIPER_HZ = 22_050
PIECE_BYTES = 1_001
"""Networks cut anywhere: here always in the middle of a sample."""
FIELDS = {"model", "input", "voice", "instructions", "response_format", "speed", "stream_format"}

Made = Literal["asked", "wav", "mp3"]
"""What is made: what was asked for, or what some servers make whatever is asked for."""


async def answer_speech(
    exchange: Exchange, voice: Voice, *, made: Made, own: bool, pace: float | None
) -> None:
    """Answer one request.

    Args:
        own: whether the server is as OpenAI's own; others have their own models and voices.

    Raises:
        Wrong: something in it is not as it has to be.
    """
    asked = exchange.json()
    check_keys(asked, FIELDS)
    text, model = expect(asked, "input", str), expect(asked, "model", str)
    named = expect(asked, "voice", (str, dict))
    if own:
        check_model(model, SPEECH_MODELS)
        read_voice(named, VOICES, "voice")
    if not 0 < len(text) <= MAX_CHARACTERS:
        message = f"It should have 1 to {MAX_CHARACTERS} characters."
        raise Wrong(message, "input", "string_above_max_length")
    kind, speed = asked.get("response_format", "mp3"), asked.get("speed", 1.0)
    if kind not in ("pcm", "wav"):
        raise unknown_value("response_format", kind, ["pcm", "wav"])  # of this stand-in
    if not isinstance(speed, int | float) or not 0.25 <= speed <= 4.0:
        raise Wrong("It should be between 0.25 and 4.", "speed", "invalid_value")
    if made == "mp3":
        await exchange.stream(_mp3(), "audio/mpeg")
        return
    rate_hz = PIPER_HZ if made == "wav" else RATE_HZ
    samples = spoken(
        voice, text, AudioFormat(Encoding.PCM16, rate_hz), speed=float(speed), pace=pace
    )
    header = _endless_header(rate_hz) if "wav" in (kind, made) else b""
    await exchange.stream(_cut(header, samples), f"audio/{'wav' if header else 'pcm'}")


async def _cut(header: bytes, audio: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The header and the audio, in pieces that are no whole samples."""
    waiting = header
    async with aclosing(audio) as chunks:
        async for chunk in chunks:
            waiting += chunk
            while len(waiting) >= PIECE_BYTES:
                yield waiting[:PIECE_BYTES]
                waiting = waiting[PIECE_BYTES:]
    if waiting:
        yield waiting


def _endless_header(rate_hz: int) -> bytes:
    """The header of a WAV file whose length nobody knows yet."""
    header = wav_header(0, rate_hz, 1)
    return header[:4] + b"\xff" * 4 + header[8:40] + b"\xff" * 4


async def _mp3() -> AsyncGenerator[bytes, None]:
    yield b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x64" + bytes(413)
