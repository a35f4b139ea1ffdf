"""A recognition stream: one WebSocket, from its config to `finished`.

The recognizer is given the audio in pieces that do not depend on how the client cut it, and after
each `MESSAGE_MS` of audio there is a message: what a client is told depends on its audio alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from media.audio import AudioFormat, Encoding

from .controls import Finalize, read_control
from .faults import Fault
from .hearing import FIN, Heard, Hearing, Recognizer, Token, token_json
from .keys import Keys
from .limits import Limits
from .peer import Peer
from .refusal import Json, Refusal, timed_out
from .strike import strike
from .stt_config import SttConfig, read_config

__all__ = ["MESSAGE_MS", "SttStream"]

MESSAGE_MS = 100
STEP_MS = 20
"""How closely the moment of a fault is found."""
UNREADABLE = AudioFormat(Encoding.ULAW, 2_000)
"""What audio is counted as that the stand-in cannot decode: 16 kbit/s."""


class SttStream:
    """Serves one client.

    Args:
        peer: it.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
        keys: whose key is right.
        fault: what is to happen to it.
    """

    def __init__(
        self,
        peer: Peer,
        hearing: Hearing,
        limits: Limits,
        keys: Keys,
        *,
        fault: Fault | None,
    ) -> None:
        self._peer = peer
        self._hearing = hearing
        self._limits = limits
        self._trickle_s: float | None = None
        self._fault = fault
        if fault is not None and fault.kind == "trickle":
            self._fault, self._trickle_s = None, fault.delay_ms / 1000
        self._keys = keys
        self._config: SttConfig
        self._format = UNREADABLE
        self._recognizer: Recognizer
        self._received = 0  # bytes of audio
        self._held: list[Token] | None = None
        self._alive_until_s = 0.0

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            if self._due("open"):
                await self._strike()
            self._config = await self._opened()
            self._format = self._config.format or UNREADABLE
            self._recognizer = await self._hearing.listen(self._config)
            try:
                await self._reach(0)
                await self._run()
            finally:
                await self._recognizer.aclose()
        except Refusal as refusal:
            await self._peer.say({"tokens": [], **refusal.body()})
        await self._peer.close()

    async def _opened(self) -> SttConfig:
        try:
            config = read_config(await self._peer.receive(self._limits.config_s))
        except TimeoutError:
            raise timed_out("Start request timeout") from None
        self._keys.check(self._peer.record.key, config.api_key)
        if config.max_endpoint_delay_ms is not None and not config.enable_endpoint_detection:
            self._peer.record.complaints.append("max_endpoint_delay_ms without endpoint detection")
        return config

    async def _run(self) -> None:
        self._alive()
        while True:
            left_s = self._alive_until_s - asyncio.get_running_loop().time()
            try:
                frame = await self._peer.receive(max(0.0, left_s))
            except TimeoutError:
                raise timed_out("Audio data decode timeout") from None
            if not frame:
                return await self._finish()
            if isinstance(frame, bytes):
                self._alive()
                await self._hear(frame)
            elif isinstance(read_control(frame), Finalize):
                await self._finalize()
            else:
                self._alive()

    def _alive(self) -> None:
        """There was audio, or a keepalive: nothing else is a sign of life."""
        self._alive_until_s = asyncio.get_running_loop().time() + self._limits.idle_s

    async def _hear(self, audio: bytes) -> None:
        """In steps: to the next message, or to where a fault might strike."""
        at = 0
        while at < len(audio):
            step = min(len(audio) - at, self._until_next())
            await self._recognizer.hear(audio[at : at + step])
            at += step
            self._received += step
            if self._ms() > self._limits.audio_ms:
                raise Refusal(413, "max_duration_reached", "Maximum audio duration reached")
            await self._reach(self._ms())
            if self._received % self._bytes(MESSAGE_MS) == 0:
                await self._tell(self._recognizer.take())

    async def _finalize(self) -> None:
        await self._recognizer.finalize()
        heard = self._release(self._recognizer.take())
        await self._tell(Heard([*heard.final, FIN], heard.interim))

    async def _finish(self) -> None:
        if self._due("finish"):
            await self._strike()
        await self._recognizer.finalize()
        heard = self._release(self._recognizer.take())
        if heard.final:
            await self._tell_last(heard.final)
        await self._peer.say({**self._message(Heard()), "finished": True})

    async def _tell_last(self, tokens: Sequence[Token]) -> None:
        if self._trickle_s is None:
            await self._tell(Heard(tokens))
            return
        for token in tokens:
            await asyncio.sleep(self._trickle_s)
            await self._tell(Heard([token]))

    async def _tell(self, heard: Heard) -> None:
        if self._held is not None:
            self._held += heard.final
            heard = Heard()
        if heard.final and self._due("final"):
            await self._strike()
        await self._peer.say(self._message(heard))
        if heard.interim and self._due("interim"):
            await self._strike()

    def _message(self, heard: Heard) -> Json:
        tokens = [token_json(token, self._config, final=True) for token in heard.final]
        tokens += [token_json(token, self._config, final=False) for token in heard.interim]
        return {
            "tokens": tokens,
            "final_audio_proc_ms": self._recognizer.final_ms,
            "total_audio_proc_ms": int(self._ms()),
        }

    def _release(self, heard: Heard) -> Heard:
        """With what was held back."""
        held, self._held = self._held or [], None
        return Heard([*held, *heard.final], heard.interim)

    async def _reach(self, now_ms: float) -> None:
        if self._fault is None or now_ms < self._fault.at_ms:
            return
        if self._fault.when == "audio" or (self._fault.when == "word" and self._recognizer.in_word):
            await self._strike()

    def _due(self, when: str) -> bool:
        fault = self._fault
        if fault is None or fault.when != when:
            return False
        return when == "open" or self._ms() >= fault.at_ms

    async def _strike(self) -> None:
        assert self._fault is not None
        fault, self._fault = self._fault, None
        if fault.kind == "hold":
            self._held = []
        await strike(fault, self._peer)

    def _until_next(self) -> int:
        """Bytes until the next message, fault or step towards one."""
        size = self._bytes(STEP_MS if self._fault is not None else MESSAGE_MS)
        until = size - self._received % size
        if self._fault is not None and self._fault.when == "audio":
            left = self._bytes(self._fault.at_ms) - self._received
            until = min(until, left) if left > 0 else until
        return until

    def _bytes(self, duration_ms: float) -> int:
        return self._format.byte_count(duration_ms)

    def _ms(self) -> float:
        return self._format.duration_ms(self._received)
