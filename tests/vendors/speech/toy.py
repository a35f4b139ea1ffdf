"""The smallest stand-in with all that one can have, of a vendor that does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from media.audio import ULAW_8K

from .doors import Door, HttpDoor, SocketDoor
from .exchange import Exchange
from .hearing import Heard, Hearing, Listening, transcribe
from .peer import Peer
from .record import Key, Record
from .refusal import Answer, Refusal
from .standin import StandIn
from .stt import SttStream
from .voices import ToneVoice, spoken

__all__ = ["KEY", "ToyStandIn"]

KEY = "toy-key"


class ToyStandIn(StandIn):
    """Listens at `/listen` on a WebSocket and to files, and speaks at `/speak/{voice}`.

    Args:
        hearing: who listens.
        pace: how many times as fast as it is spoken audio is made; None is at once.
        options: those of `StandIn`.
    """

    def __init__(self, hearing: Hearing, *, pace: float | None = None, **options: Any) -> None:
        self._hearing = hearing
        self._voice = ToneVoice()
        self._pace = pace
        super().__init__(api_key=KEY, engines=[hearing, self._voice], **options)

    def doors(self) -> Sequence[Door]:
        return (
            SocketDoor("stt", "/listen", self._listen),
            HttpDoor("files", "POST", "/listen", self._transcribe),
            HttpDoor("files", "POST", "/form", self._form),
            HttpDoor("tts", "POST", "/speak/{voice}", self._speak),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        shown = headers.get("x-key") or record.asked("key")
        if shown is None:
            return "missing"
        return "right" if shown == self.api_key else "wrong"

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        status = 401 if refusal.code == 402 else refusal.code
        return Answer.json({"error": str(refusal), "at": service}, status)

    def select_subprotocol(self, offered: Sequence[str]) -> str | None:
        return "toy" if "toy" in offered else None

    async def _listen(self, peer: Peer) -> None:
        stream = _Stream(peer, self._hearing)
        try:
            await stream.opened()
            async with stream.recognizing(Listening(ULAW_8K, whole_words=True)):
                while audio := await peer.receive(within_s=10):
                    assert isinstance(audio, bytes)
                    await stream.hear(audio)
                await stream.finish()
        except Refusal as refusal:
            await peer.say({"error": refusal.code})
        await peer.close()

    async def _transcribe(self, exchange: Exchange) -> None:
        tokens = await transcribe(self._hearing, exchange.body, Listening(ULAW_8K))
        await exchange.answer(Answer.json({"text": "".join(token.text for token in tokens)}))

    async def _form(self, exchange: Exchange) -> None:
        async with exchange.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            await exchange.answer(Answer.json([file.filename, len(await file.read())]))

    async def _speak(self, exchange: Exchange) -> None:
        text = exchange.json()["text"]
        audio = spoken(self._voice, text, ULAW_8K, pace=self._pace)
        await exchange.stream(audio, "audio/basic", {"x-characters": str(len(text))})


class _Stream(SttStream):
    async def say(self, heard: Heard) -> None:
        await self.peer.say({"words": [token.text.strip() for token in heard.final]})
