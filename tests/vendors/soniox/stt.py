"""A recognition stream: one WebSocket, from its config to `finished`."""

from __future__ import annotations

import asyncio

from tests.vendors.speech import stt
from tests.vendors.speech.hearing import Heard, Hearing, Token
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .controls import Finalize, read_control
from .keys import Keys
from .limits import Limits
from .refusal import error_body, timed_out
from .stt_config import SttConfig, read_config

__all__ = ["FIN", "SttStream"]

FIN = Token("<fin>")
"""What came before a `finalize` is final."""


class SttStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
        keys: whose key is right.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, keys: Keys) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._keys = keys
        self._config: SttConfig
        self._alive_until_s = 0.0

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            self._config = await self._first()
            async with self.recognizing(self._config.listening):
                await self._run()
        except Refusal as refusal:
            await self.peer.say({"tokens": [], **error_body(refusal)})
        await self.peer.close()

    async def say(self, heard: Heard) -> None:
        await self.peer.say(self._message(heard))

    def advanced(self) -> None:
        if self.audio_ms > self._limits.audio_ms:
            raise Refusal(413, "max_duration_reached", "Maximum audio duration reached")

    async def _first(self) -> SttConfig:
        try:
            config = read_config(await self.peer.receive(self._limits.config_s))
        except TimeoutError:
            raise timed_out("Start request timeout") from None
        self._keys.check(self.peer.record.key, config.api_key)
        if config.max_endpoint_delay_ms is not None and not config.enable_endpoint_detection:
            self.peer.record.complaints.append("max_endpoint_delay_ms without endpoint detection")
        return config

    async def _run(self) -> None:
        self._alive()
        while True:
            left_s = self._alive_until_s - asyncio.get_running_loop().time()
            try:
                frame = await self.peer.receive(max(0.0, left_s))
            except TimeoutError:
                raise timed_out("Audio data decode timeout") from None
            if not frame:
                await self.finish()
                await self.peer.say({**self._message(Heard()), "finished": True})
                return
            if isinstance(frame, bytes):
                self._alive()
                await self.hear(frame)
            elif isinstance(read_control(frame), Finalize):
                heard = await self.settle()
                await self.tell(Heard([*heard.final, FIN], heard.interim))
            else:
                self._alive()

    def _alive(self) -> None:
        """There was audio, or a keepalive: nothing else is a sign of life."""
        self._alive_until_s = asyncio.get_running_loop().time() + self._limits.idle_s

    def _message(self, heard: Heard) -> Json:
        tokens = [_token_json(token, self._config, final=True) for token in heard.final]
        tokens += [_token_json(token, self._config, final=False) for token in heard.interim]
        return {
            "tokens": tokens,
            "final_audio_proc_ms": self.recognizer.final_ms,
            "total_audio_proc_ms": int(self.audio_ms),
        }


def _token_json(token: Token, config: SttConfig, *, final: bool) -> Json:
    written: Json = {"text": token.text}
    if token.start_ms is not None:
        written |= {"start_ms": token.start_ms, "end_ms": token.end_ms}
    written |= {"confidence": token.confidence, "is_final": final}
    if token.start_ms is not None and config.enable_speaker_diarization:
        written["speaker"] = "1"
    if token.start_ms is not None and config.enable_language_identification:
        written["language"] = (config.language_hints or ["en"])[0]
    return written
