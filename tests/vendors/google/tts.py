"""A stream of Google's synthesis, `StreamingSynthesize`: text in pieces, and their audio."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from google.cloud.texttospeech_v1.types import (
    StreamingSynthesizeRequest,
    StreamingSynthesizeResponse,
)

from tests.vendors.speech.caller import ON_ITS_WAY_S, Caller
from tests.vendors.speech.refusal import Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import SENTENCE, Voice, spoken
from tests.vendors.speech.wav import wav_header

from .limits import Limits
from .tts_request import Wrong, check_rate, check_sentences, check_size, format_of, read, speaks

__all__ = ["SynthesisStream"]


class SynthesisStream:
    """Serves one.

    Args:
        caller: whose it is; its record's fault strikes here.
        voice: who speaks.
        limits: how long it may take, and how much.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(self, caller: Caller, voice: Voice, limits: Limits, *, pace: float | None) -> None:
        self._caller = caller
        self._voice = voice
        self._limits = limits
        self._pace = pace
        self._striker = Striker(caller, caller.record.fault)
        self._sent_ms = 0.0

    async def serve(self) -> None:
        """Until all is spoken.

        Raises:
            Refusal: the client may not go on.
            Gone: it left.
        """
        await self._striker.strike_if("open", 0)
        self._read_config(await self._receive())
        text, size = "", 0
        while (message := await self._receive()) is not None:
            piece = self._read_input(message)
            size += len(piece.encode())
            check_size(" " * size)
            text += piece
            check_sentences(text)
            while said := self._sentence(text):
                text = text[len(said) :]
                await self._say(said, last=False)
        await self._say(text, last=True)

    async def _receive(self) -> bytes | None:
        try:
            return await self._caller.receive(self._limits.tts_idle_s)
        except TimeoutError:
            raise Refusal(
                409,
                None,
                "Stream aborted due to long duration elapsed without input sent. Input must be sent"
                " continuously, at least every 5s seconds.",
            ) from None

    def _read_config(self, message: bytes | None) -> None:
        asked = read(StreamingSynthesizeRequest, message or b"")
        if "streaming_config" not in asked:
            raise Wrong("The first message must contain a streaming_config.")
        config = asked.streaming_config
        audio = config.streaming_audio_config
        self._language = speaks(config.voice, streamed=True)
        self._format = format_of(audio.audio_encoding, audio.sample_rate_hertz, streamed=True)
        self._speed = check_rate(audio.speaking_rate)

    def _read_input(self, message: bytes) -> str:
        asked = read(StreamingSynthesizeRequest, message)
        if "input" not in asked:
            raise Wrong("Only the first message may contain a streaming_config.")
        if "text" not in asked.input:
            raise Wrong("The stand-in speaks texts alone.")
        return asked.input.text

    def _sentence(self, text: str) -> str:
        """What may be said of a text before it is whole: Google takes it by the sentence."""
        found = SENTENCE.match(text)
        return found.group() if found else ""

    async def _say(self, text: str, *, last: bool) -> None:
        audio = spoken(
            self._voice,
            text,
            self._format,
            speed=self._speed,
            language=self._language,
            pace=self._pace,
        )
        held = b""
        async with aclosing(audio) as chunks:
            async for chunk in chunks:
                await self._send(held)
                held = chunk
        if last:
            await self._striker.strike_if("finish", self._sent_ms)
        await self._send(held)

    async def _send(self, audio: bytes) -> None:
        if not audio:
            return
        if self._striker.due("audio", self._sent_ms) and self._sent_ms:
            # A reset takes along what the client's gRPC, on threads of its own, has not read yet.
            await asyncio.sleep(ON_ITS_WAY_S)
        await self._striker.strike_if("audio", self._sent_ms)
        header = b""
        if self._limits.tts_headers and not self._sent_ms:
            header = wav_header(self._format, extended=True)
        answer = StreamingSynthesizeResponse(audio_content=header + audio)
        await self._caller.send(StreamingSynthesizeResponse.serialize(answer))
        self._sent_ms += self._format.duration_ms(len(audio))
