"""Synthesis over HTTP, and the list of voices.

Source: https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from media.audio import AudioFormat
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.voices import spoken

from .ssml import Said, read_ssml
from .tts import Speaker
from .tts_context import decodable
from .voices import VOICES

__all__ = ["HttpSpeech", "list_voices"]

MOST_AGENT = 255


class HttpSpeech:
    """Answers texts with audio.

    Args:
        speaker: who speaks.
    """

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker

    async def answer(self, exchange: Exchange) -> None:
        """Answer one.

        Raises:
            Refusal: it cannot be spoken.
        """
        headers = exchange.record.headers
        if not 0 < len(headers.get("user-agent", "")) < MOST_AGENT:
            raise Refusal(400, None, "User-Agent is required")
        audio_format = decodable(headers.get("x-microsoft-outputformat"))
        if headers.get("content-type") != "application/ssml+xml":
            raise Refusal(415, None, "Unsupported Media Type")
        document = exchange.body.decode(errors="replace")
        said = read_ssml(document, exchange.record.complaints)
        await exchange.stream(self._spoken(said, audio_format), "audio/basic")

    async def _spoken(
        self, said: Sequence[Said], audio_format: AudioFormat
    ) -> AsyncGenerator[bytes, None]:
        for one in said:
            pieces = spoken(
                self._speaker.voice,
                one.text,
                audio_format,
                speed=one.speed,
                language=one.language.partition("-")[0],
                pace=self._speaker.pace,
            )
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece


async def list_voices(exchange: Exchange) -> None:
    """Answer with all of them."""
    await exchange.answer(Answer.json(list(VOICES)))
