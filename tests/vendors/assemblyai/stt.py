"""A session of Universal-Streaming, `/v3/ws`: one WebSocket, until `Terminate`.

Source: https://www.assemblyai.com/docs/streaming/message-sequence
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence

from tests.vendors.speech import stt
from tests.vendors.speech.arrival import Arrival
from tests.vendors.speech.hearing import END, Heard, Hearing, Listening, Token, utterances
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .controls import ForceEndpoint, Terminate, UpdateConfiguration, read_control
from .limits import Limits
from .query import SessionQuery
from .refusal import Closing, closing_of, error_message
from .turns import turn_message

__all__ = ["Session"]


class Session(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
        query: what it asked for.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: SessionQuery) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._query = query
        self._loop = asyncio.get_running_loop()
        self._ends_s = self._loop.time() + limits.session_s
        self._order = 0
        self._turn: list[Token] = []  # its words that are final
        self._words: list[Token] = []  # all its words, as they were told
        self._beat_ms = 0.0

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            await self._begin()
            query = self._query
            listening = Listening(query.format, endpoint_ms=query.endpoint_ms, whole_words=True)
            async with self.recognizing(listening):
                await self._run(Arrival(self._limits.ahead_ms))
        except Refusal as refusal:
            await self._end(closing_of(refusal))
        except Closing as closing:
            await self._end(closing)
        else:
            await self.peer.close()

    async def _begin(self) -> None:
        expires_at = int(time.time() + self._limits.session_s)
        configuration = {"model": self._query.speech_model, "api_version": "2025-05-12"}
        begin: Json = {"type": "Begin", "id": str(uuid.uuid4()), "expires_at": expires_at}
        await self.peer.say({**begin, "configuration": configuration})

    async def _end(self, closing: Closing) -> None:
        await self.peer.say(error_message(closing))
        await self.peer.close(closing.code, str(closing))

    async def _run(self, arrival: Arrival) -> None:
        while True:
            frame = await self._receive()
            if isinstance(frame, bytes):
                self._check(frame, arrival)
                await self.hear(frame)
                await self._beat()
                continue
            control = read_control(frame)
            if isinstance(control, Terminate):
                await self._terminate()
                return
            if isinstance(control, ForceEndpoint):
                await self._force()
            elif isinstance(control, UpdateConfiguration):
                changed = control.model_dump(exclude_none=True, exclude={"type"})
                if "format_turns" in changed:
                    changed["format_turns"] = str(changed["format_turns"]).lower()
                self._query = self._query.model_copy(update=changed)

    def _check(self, audio: bytes, arrival: Arrival) -> None:
        """See whether a message with audio may come now.

        Raises:
            Closing: it may not.
        """
        limits, format = self._limits, self._query.format or stt.UNREADABLE
        duration_ms = format.duration_ms(len(audio))
        if not limits.shortest_ms <= duration_ms <= limits.longest_ms:
            raise Closing(
                3007,
                f"Input duration violation: {duration_ms:g} ms. Expected between"
                f" {limits.shortest_ms:g} and {limits.longest_ms:g} ms",
            )
        if not arrival.in_time(duration_ms):
            raise Closing(
                3007,
                f"Audio Transmission Rate Exceeded: Received {arrival.came_ms / 1000:.1f} sec."
                f" audio in {arrival.passed_ms / 1000:.1f} sec",
            )

    async def _receive(self) -> str | bytes:
        left_s = self._ends_s - self._loop.time()
        idle_s = self._query.inactivity_timeout
        try:
            return await self.peer.receive(left_s if idle_s is None else min(left_s, idle_s))
        except TimeoutError:
            if self._loop.time() < self._ends_s:
                raise Closing(3005, "Session Cancelled: inactivity timeout") from None
            message = "Session Expired: Maximum session duration exceeded"
            raise Closing(3008, message) from None

    async def _beat(self) -> None:
        if self._query.session_heartbeat != "true":
            return
        if self.audio_ms - self._beat_ms < self._limits.heartbeat_ms:
            return
        self._beat_ms = self.audio_ms
        await self.peer.say(
            {
                "type": "Heartbeat",
                "total_audio_received_ms": int(self.audio_ms),
                "total_duration_ms": int(self.audio_ms),
                "realtime_factor": 1.0,
                "max_speech_probability": 0.9 if self._words else 0.0,
            }
        )

    async def _force(self) -> None:
        """End the turn; where there is none, nothing is said (assumed)."""
        heard = await self.settle()
        self._turn += [token for tokens, _ in utterances(heard.final) for token in tokens]
        if self._turn:
            await self.tell(Heard([END]))

    async def _terminate(self) -> None:
        await self.finish()
        if self._turn:
            await self._over()
        seconds = int(self.audio_ms / 1000)
        await self.peer.say(
            {
                "type": "Termination",
                "audio_duration_seconds": seconds,
                "session_duration_seconds": seconds,
            }
        )

    async def say(self, heard: Heard) -> None:
        for tokens, is_over in utterances(heard.final):
            self._turn += tokens
            if is_over and self._turn:
                await self._over()
        words = [*self._turn, *heard.interim]
        if words and words != self._words:
            await self.peer.say(self._message(self._turn, heard.interim))
        self._words = words

    async def _over(self) -> None:
        await self.peer.say(self._message(self._turn, is_over=True))
        if self._query.tells_twice and self._limits.writes:
            await self.peer.say(self._message(self._turn, is_over=True, is_written=True))
        self._order += 1
        self._turn, self._words = [], []

    def _message(
        self,
        final: Sequence[Token],
        interim: Sequence[Token] = (),
        *,
        is_over: bool = False,
        is_written: bool = False,
    ) -> Json:
        query = self._query
        language = "en" if query.language_detection == "true" else None
        return turn_message(
            self._order,
            final,
            interim,
            is_over=is_over,
            is_written=is_written or query.is_written,
            speakers=query.speaker_labels == "true",
            language=language,
        )
