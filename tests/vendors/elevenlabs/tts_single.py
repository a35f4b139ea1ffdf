"""A synthesis connection with one text, which may come in pieces.

Source: https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-stream-input
"""

from __future__ import annotations

import base64
from contextlib import aclosing

from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Refusal
from tests.vendors.speech.strike import Striker

from .refusal import Wrong, speech_error
from .speaking import Speaker
from .tts_messages import SingleMessage, read_message
from .tts_query import TtsQuery, read_query

__all__ = ["SingleConnection"]

POLICY = 1008


class SingleConnection:
    """Serves one client. Audio begins when all of the text is there (assumed, but for a flush).

    Args:
        peer: it; its record's fault strikes here.
        speaker: who speaks.
    """

    def __init__(self, peer: Peer, speaker: Speaker) -> None:
        self._peer = peer
        self._speaker = speaker
        self._striker = Striker(peer, peer.record.fault)
        self._query: TtsQuery
        self._speed = 1.0
        self._sent_ms = 0.0

    async def serve(self, *, refused: Refusal | None) -> None:
        """Until the text is spoken, the client leaves, or an error; see `MultiConnection.serve`."""
        try:
            if refused is not None:
                raise refused
            await self._striker.strike_if("open", 0)
            self._query = read_query(self._peer.record, self._speaker.voice_ids)
            await self._run()
        except TimeoutError:
            late = Refusal(408, "input_timeout_exceeded", "No input for too long")
            await self._peer.say(speech_error(late))
            await self._peer.close(POLICY)
        except Refusal as refusal:
            await self._peer.say(speech_error(refusal))
            await self._peer.close(POLICY)
        else:
            await self._peer.close()

    async def _run(self) -> None:
        first = await self._next()
        if first.text != " ":
            raise Wrong("The first text has to be one space")
        if first.voice_settings is not None:
            self._speed = first.voice_settings.speed or 1.0
        text, characters = "", 0
        while (message := await self._next()).text:
            if message.has_settings:
                raise Wrong("Settings can only be set in the first message")
            if not message.text.endswith(" "):
                self._peer.record.complaints.append("text that does not end with a space")
            text += message.text
            characters += len(message.text)
            if characters > self._speaker.limits.text_characters:
                raise Wrong("The text is too long", kind="text_too_long")
            if message.flush:
                await self._speak(text)
                text = ""
        await self._speak(text)
        await self._striker.strike_if("finish", self._sent_ms)
        await self._peer.say({"audio": None, "isFinal": True})

    async def _next(self) -> SingleMessage:
        frame = await self._peer.receive(self._query.inactivity_timeout)
        return read_message(SingleMessage, frame)

    async def _speak(self, text: str) -> None:
        query = self._query
        pieces = self._speaker.speak(
            text.rstrip(" "), query.format, speed=self._speed, language=query.language
        )
        async with aclosing(pieces):
            async for piece in pieces:
                await self._striker.strike_if("audio", self._sent_ms)
                alignment = piece.alignment if query.sync_alignment else None
                await self._peer.say(
                    {
                        "audio": base64.b64encode(piece.audio).decode(),
                        "isFinal": None,
                        "alignment": alignment,
                        "normalizedAlignment": alignment,
                    }
                )
                self._sent_ms += piece.duration_ms
