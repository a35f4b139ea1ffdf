"""A recognition stream that is told when somebody has spoken, `/stt/websocket`.

Source: https://docs.cartesia.ai/api-reference/stt/websocket
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from media.audio import AudioFormat
from tests.vendors.speech import stt
from tests.vendors.speech.arrival import Arrival
from tests.vendors.speech.hearing import Heard, Hearing, Listening, Token, utterances
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .limits import Limits
from .query import ManualQuery
from .refusal import error_fields

__all__ = ["ManualStream", "check_pace"]

AUTO_MS = 700
"""Without a command, what was said is final after so much silence (assumed)."""


class ManualStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
        query: what it asked for.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: ManualQuery) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._query = query
        self._request_id = str(uuid.uuid4())
        self._words: list[Token] = []  # that are sure, and not told as final
        self._told_ms = 0.0  # up to where
        self._text = ""  # the last that was told, final or not

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            listening = Listening(self._query.format, endpoint_ms=AUTO_MS, whole_words=True)
            async with self.recognizing(listening):
                await self._run(Arrival(self._limits.ahead_ms))
        except Refusal as refusal:
            await self.peer.say({"type": "error", **error_fields(refusal)})
        await self.peer.close()

    async def _run(self, arrival: Arrival) -> None:
        while True:
            try:
                frame = await self.peer.receive(self._limits.stt_idle_s)
            except TimeoutError:
                raise Refusal(408, None, "no audio for too long") from None
            if isinstance(frame, bytes):
                check_pace(frame, self._query.format or stt.UNREADABLE, arrival)
                await self.hear(frame)
            elif frame == "finalize":
                await self.tell(await self.settle())
                await self._say_final()
                await self._say({"type": "flush_done"})
            elif frame in ("close", "done"):
                await self.finish()
                await self._say_final()
                await self._say({"type": "done"})
                return
            else:
                # Commands are no JSON.
                raise Refusal(400, None, "unknown command")

    async def say(self, heard: Heard) -> None:
        for tokens, is_over in utterances(heard.final):
            self._words += tokens
            if is_over:
                await self._say_final()
        words = [*self._words, *heard.interim]
        text = _text(words)
        if words and text != self._text:
            self._text = text
            await self._say_transcript(words, is_final=False)

    async def _say_final(self) -> None:
        if self._words:
            await self._say_transcript(self._words, is_final=True)
        self._words, self._text = [], ""
        self._told_ms = self.audio_ms

    async def _say_transcript(self, words: Sequence[Token], *, is_final: bool) -> None:
        message: Json = {
            "type": "transcript",
            "is_final": is_final,
            "text": _text(words),
            "duration": round((self.audio_ms - self._told_ms) / 1000, 3),
            "language": self._query.language,
        }
        if is_final:
            message["words"] = [_word(token) for token in words]
        await self._say(message)

    async def _say(self, message: Json) -> None:
        await self.peer.say({**message, "request_id": self._request_id})


def check_pace(audio: bytes, format: AudioFormat, arrival: Arrival) -> None:
    """See that audio comes no faster than it is spoken.

    Raises:
        Refusal: it does. What Cartesia says then is not documented (assumed).
    """
    if not arrival.in_time(format.duration_ms(len(audio))):
        raise Refusal(400, "audio_too_fast", "audio came faster than real time")


def _text(words: Sequence[Token]) -> str:
    """As it is to be joined: with its spaces."""
    return "".join(token.text for token in words)


def _word(token: Token) -> Json:
    return {
        "word": token.text.strip(),
        "start": (token.start_ms or 0) / 1000,
        "end": (token.end_ms or 0) / 1000,
    }
