"""What every recognition stream does: audio to its recognizer, news of it to the client.

The recognizer is given the audio in pieces that do not depend on how the client cut it, and after
each `message_ms` of audio there is news: what a client is told depends on its audio alone.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from media.audio import AudioFormat, Encoding

from .faults import When
from .hearing import Heard, Hearing, Listening, Recognizer, Token
from .peer import Peer
from .strike import Striker

__all__ = ["MESSAGE_MS", "SttStream"]

MESSAGE_MS = 100
STEP_MS = 20
"""How closely the moment of a fault is found."""
UNREADABLE = AudioFormat(Encoding.ULAW, 2_000)
"""What audio is counted as that the stand-in cannot decode: 16 kbit/s."""


class SttStream(ABC):
    """One client's, on a WebSocket; the vendor's own derives from it and defines `say`.

    Args:
        peer: the client; its record's fault strikes here.
        hearing: gives the stream its recognizer.
        message_ms: how often there is news, in ms of audio.
    """

    def __init__(self, peer: Peer, hearing: Hearing, *, message_ms: int = MESSAGE_MS) -> None:
        self.peer = peer
        self._hearing = hearing
        self._message_ms = message_ms
        fault = peer.record.fault
        self._trickle_s: float | None = None
        if fault is not None and fault.kind == "trickle":
            self._trickle_s = fault.delay_ms / 1000
            fault = None
        self._striker = Striker(peer, fault)
        self._format = UNREADABLE
        self.recognizer: Recognizer
        self._received = 0  # bytes of audio
        self._held: list[Token] | None = None

    @abstractmethod
    async def say(self, heard: Heard) -> None:
        """Tell the client, in the vendor's way; also that there is nothing new."""

    def advanced(self) -> None:
        """Called when more audio was heard: the place to see that it is not too much.

        Raises:
            Refusal: it is.
        """
        return

    @property
    def audio_ms(self) -> float:
        """How much audio has come."""
        return self._format.duration_ms(self._received)

    async def opened(self) -> None:
        """The handshake is done; call it first of all."""
        await self._strike_if("open")

    @asynccontextmanager
    async def recognizing(self, listening: Listening) -> AsyncIterator[None]:
        """The stream is configured: inside, `hear`, `settle` and `finish` may be called.

        Raises:
            Refusal: there is no recognizer for it.
        """
        self._format = listening.format or UNREADABLE
        self.recognizer = await self._hearing.listen(listening)
        try:
            await self._reach()
            yield
        finally:
            await self.recognizer.aclose()

    async def hear(self, audio: bytes) -> None:
        """Take audio, in steps: to the next news, or to where a fault might strike."""
        self.peer.record.audio_bytes += len(audio)
        at = 0
        while at < len(audio):
            step = min(len(audio) - at, self._until_next())
            await self.recognizer.hear(audio[at : at + step])
            at += step
            self._received += step
            self.advanced()
            await self._reach()
            if self._received % self._bytes(self._message_ms) == 0:
                await self.tell(self.recognizer.take())

    async def settle(self) -> Heard:
        """Have all become final that was understood so far, and give it; it is not told yet."""
        await self.recognizer.finalize()
        return self._release(self.recognizer.take())

    async def finish(self) -> None:
        """The client has sent all: tell what has not been told."""
        await self._strike_if("finish")
        heard = await self.settle()
        if self._trickle_s is None:
            if heard.final:
                await self.tell(Heard(heard.final))
            return
        for token in heard.final:
            await asyncio.sleep(self._trickle_s)
            await self.tell(Heard([token]))

    async def tell(self, heard: Heard) -> None:
        """Tell the client, unless something goes wrong with it."""
        if self._held is not None:
            self._held += heard.final
            heard = Heard()
        if heard.final:
            await self._strike_if("final")
        await self.say(heard)
        if heard.interim:
            await self._strike_if("interim")

    def _release(self, heard: Heard) -> Heard:
        """With what was held back."""
        held, self._held = self._held or [], None
        return Heard([*held, *heard.final], heard.interim)

    async def _reach(self) -> None:
        await self._strike_if("audio")
        if self.recognizer.in_word:
            await self._strike_if("word")

    async def _strike_if(self, when: When) -> None:
        if not self._striker.due(when, self.audio_ms):
            return
        if self._striker.fault is not None and self._striker.fault.kind == "hold":
            self._held = []
        await self._striker.strike()

    def _until_next(self) -> int:
        """Bytes until the next news, fault or step towards one."""
        fault = self._striker.fault
        size = self._bytes(STEP_MS if fault is not None else self._message_ms)
        until = size - self._received % size
        if fault is not None and fault.when == "audio":
            left = self._bytes(fault.at_ms) - self._received
            until = min(until, left) if left > 0 else until
        return until

    def _bytes(self, duration_ms: float) -> int:
        return self._format.byte_count(duration_ms)
