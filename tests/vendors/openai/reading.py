"""A realtime session with a model that reads texts aloud: responses outside any conversation."""

from __future__ import annotations

import asyncio
import base64
from contextlib import aclosing
from typing import Any

from media.audio import AudioFormat
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import Voice, spoken

from .reading_request import ReadingConfig, read_config, read_response
from .refusal import Wrong, check_keys, error_of, expect
from .session import EXPIRES_AT, Session

__all__ = ["ReadingSession"]

KINDS = "session.update, response.create, response.cancel"


class ReadingSession:
    """Serves one client. One response at a time (assumed: it does not say how many).

    Args:
        peer: the client; its record's fault strikes here. An `error` fails the response, unless its
            scope is `connection` or there is none.
        voice: who speaks.
        model: which was asked for in the address.
        lasts_s: after so long the session ends.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    def __init__(
        self, peer: Peer, voice: Voice, model: str, *, lasts_s: float, pace: float | None
    ) -> None:
        self._session = Session(peer, lasts_s)
        self._peer = peer
        self._voice = voice
        self._model = model
        self._pace = pace
        self._config = ReadingConfig()
        self._striker = Striker(peer, peer.record.fault)
        self._scope = peer.record.fault.scope if peer.record.fault is not None else "connection"
        self._numbers = 0
        self._sent_ms = 0.0
        self._current: str | None = None  # the response that goes on
        self._cancelled: set[str] = set()

    async def serve(self) -> None:
        """Until the client leaves, or the session ends.

        Raises:
            Gone: the client left.
        """
        refusals: list[Refusal] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._striker.strike_if("open", 0)
                await self._run(tasks)
        except* Refusal as group:
            refusals += [error for error in group.exceptions if isinstance(error, Refusal)]
        if refusals:
            await self._session.complain(refusals[0])
        await self._peer.close()

    async def _run(self, tasks: asyncio.TaskGroup) -> None:
        session = {
            "id": "sess_1",
            "object": "realtime.session",
            "type": "realtime",
            "model": self._model,
            "expires_at": EXPIRES_AT,
        }
        await self._session.say("session.created", session=session)
        await self._session.run(lambda event: self._take(event, session, tasks))

    async def _take(self, event: Json, session: Json, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._obey(event, session, tasks)
        except Wrong as wrong:
            await self._session.complain(wrong, event)

    async def _obey(self, event: Json, session: Json, tasks: asyncio.TaskGroup) -> None:
        match event["type"]:
            case "session.update":
                check_keys(event, {"type", "event_id", "session"})
                given = expect(event, "session", dict)
                self._config = read_config(given, self._config, has_spoken=self._sent_ms > 0)
                await self._session.say("session.updated", session={**session, **given})
            case "response.create":
                check_keys(event, {"type", "event_id", "response"})
                if self._current is not None:
                    message = "Conversation already has an active response in progress."
                    code = "conversation_already_has_active_response"
                    raise Wrong(message, None, code)
                text, metadata = read_response(expect(event, "response", dict))
                self._numbers += 1
                self._current = f"resp_{self._numbers}"
                tasks.create_task(self._respond(self._current, text, metadata))
            case "response.cancel":
                check_keys(event, {"type", "event_id", "response_id"})
                response = event.get("response_id")
                if response is None or response != self._current:
                    message = "Cancellation failed: no active response found."
                    raise Wrong(message, None, "response_cancel_not_active")
                self._cancelled.add(response)
            case kind:
                message = f"Invalid value: '{kind}'. Supported values are: {KINDS}."
                raise Wrong(message, "type", "invalid_value")

    async def _respond(self, response: str, text: str, metadata: Json) -> None:
        about = {"object": "realtime.response", "id": response, "metadata": metadata}
        await self._session.say("response.created", response={**about, "status": "in_progress"})
        # A model that is not told how to read answers as one who chats.
        said = text if self._config.instructions else f"Sure! {text}"
        status = "completed"
        details: Json | None = None
        try:
            if not await self._read(response, said):
                status = "cancelled"
                details = {"type": "cancelled", "reason": "client_cancelled"}
        except Refusal as refusal:
            if self._scope == "connection":
                raise
            status, details = "failed", {"type": "failed", "error": error_of(refusal)}
        self._current = None
        ended = {**about, "status": status, "status_details": details}
        await self._session.say("response.done", response=ended)

    async def _read(self, response: str, text: str) -> bool:
        """Say it; whether it was said to its end."""
        where: dict[str, Any] = {
            "response_id": response,
            "item_id": f"item_{response}",
            "output_index": 0,
            "content_index": 0,
        }
        await self._session.say("response.output_audio_transcript.delta", **where, delta=text)
        audio_format, speed = self._config.format, self._config.speed
        audio = spoken(self._voice, text, audio_format, speed=speed, pace=self._pace)
        async with aclosing(audio) as chunks:
            async for chunk in chunks:
                if response in self._cancelled:
                    return False
                await self._striker.strike_if("audio", self._sent_ms)
                await self._say_audio(where, chunk, audio_format)
        await self._striker.strike_if("finish", self._sent_ms)
        await self._session.say("response.output_audio.done", **where)
        await self._session.say("response.output_audio_transcript.done", **where, transcript=text)
        return True

    async def _say_audio(
        self, where: dict[str, Any], chunk: bytes, audio_format: AudioFormat
    ) -> None:
        delta = base64.b64encode(chunk).decode()
        await self._session.say("response.output_audio.delta", **where, delta=delta)
        self._sent_ms += audio_format.duration_ms(len(chunk))
