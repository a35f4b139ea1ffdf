"""A synthesis connection: several streams on one WebSocket."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from tests.vendors.speech.faults import When
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import Voice

from .keys import Keys
from .limits import Limits
from .refusal import error_body, limit_exceeded, stream_state, timed_out
from .tts_messages import Cancel, KeepAlive, Text, TtsConfig, read_message
from .tts_stream import TtsStream

__all__ = ["TtsConnection"]

_Error = TypeVar("_Error", bound=Exception)


class _Broken(Exception):
    """An error that no stream is to catch: it is the connection's."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class TtsConnection:
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        voice: who speaks.
        limits: how long it may take, and how much.
        keys: whose key is right.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self,
        peer: Peer,
        voice: Voice,
        limits: Limits,
        keys: Keys,
        *,
        pace: float | None,
    ) -> None:
        self._peer = peer
        self._voice = voice
        self._limits = limits
        self._keys = keys
        self._striker = Striker(peer, peer.record.fault)
        self._pace = pace
        self._streams: dict[str, TtsStream] = {}
        self._sent_ms = 0.0
        self._tasks: asyncio.TaskGroup

    async def serve(self) -> None:
        """Until the client leaves, or an error that is not one stream's alone.

        Raises:
            Gone: the client left.
        """
        refusals: list[Refusal] = []
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._strike_if("open")
                await self._run()
        except* Refusal as group:
            refusals += _all(group)
        except* _Broken as group:
            refusals += [broken.refusal for broken in _all(group)]
        if refusals:
            await self._peer.say(error_body(refusals[0]))
            await self._peer.close()

    async def _run(self) -> None:
        while True:
            try:
                frame = await self._peer.receive(self._limits.tts_idle_s)
            except TimeoutError:
                if self._streams:
                    continue
                raise timed_out("Request timeout.") from None
            message = read_message(frame)
            match message:
                case KeepAlive():
                    pass
                case TtsConfig():
                    await self._begin(message)
                case Text() | Cancel():
                    await self._pass_on(message)
                case stream_id, refusal:
                    await self._refuse(stream_id, refusal)

    async def _begin(self, config: TtsConfig) -> None:
        self._keys.check(self._peer.record.key, config.api_key)
        stream_id = config.stream_id
        if stream_id in self._streams:
            # The one that is running goes on (assumed).
            refusal = stream_state("The stream is not terminated yet")
            await self._say(stream_id, error_body(refusal))
            return

        async def emit(message: Json, duration_ms: float) -> None:
            await self._say(stream_id, message, duration_ms)

        try:
            if len(self._streams) >= self._limits.tts_streams:
                raise limit_exceeded("Too many streams on this connection")
            stream = TtsStream(config, self._voice, self._limits, emit, self._pace)
        except Refusal as refusal:
            await self._refuse(stream_id, refusal)
            return
        self._streams[stream_id] = stream
        self._tasks.create_task(stream.run())

    async def _pass_on(self, message: Text | Cancel) -> None:
        stream = self._streams.get(message.stream_id)
        if stream is None:
            refusal = stream_state("There is no such stream, or it is terminated")
            await self._say(message.stream_id, error_body(refusal))
        elif isinstance(message, Cancel):
            stream.cancel()
        else:
            stream.take(message)

    async def _refuse(self, stream_id: str, refusal: Refusal) -> None:
        """An error ends its stream, one that has not begun too."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.fail(refusal)
        else:
            await self._say(stream_id, error_body(refusal))
            await self._say(stream_id, {"terminated": True})

    async def _say(self, stream_id: str, message: Json, duration_ms: float = 0) -> None:
        if duration_ms:
            await self._strike_if("audio")
        if message.get("audio_end"):
            await self._strike_if("finish")
        if message.get("terminated"):
            # Before it is said: the client may use the id at once.
            self._streams.pop(stream_id, None)
        await self._peer.say({"stream_id": stream_id, **message})
        self._sent_ms += duration_ms

    async def _strike_if(self, when: When) -> None:
        fault = self._striker.fault
        try:
            await self._striker.strike_if(when, self._sent_ms)
        except Refusal as refusal:
            if fault is None or fault.scope == "stream":
                raise
            raise _Broken(refusal) from None


def _all(group: BaseExceptionGroup[_Error]) -> list[_Error]:
    found: list[_Error] = []
    for error in group.exceptions:
        found += _all(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
