"""A recognition stream that finds turns by itself, `/stt/turns/websocket`.

Source: https://docs.cartesia.ai/api-reference/stt/turns/websocket, and `use-the-api/stt/turns`
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tests.vendors.speech import stt
from tests.vendors.speech.arrival import Arrival
from tests.vendors.speech.hearing import Heard, Hearing, Listening, Token, utterances
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Refusal

from .limits import Limits
from .query import Thresholds, TurnsQuery
from .refusal import error_fields, invalid
from .stt import check_pace

__all__ = ["TurnsStream"]

EAGER_MS = 300
"""After so much silence it finds that a turn might be over (assumed)."""
TRUSTS_SILENCE_ALONE = 0.05
"""With this end threshold it ends no turn by its sense (assumed)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Close(_Strict):
    type: Literal["close"]


class _Turn(_Strict):
    """Of `Thresholds`, those that are to be others."""

    start_threshold: float | None = None
    eager_end_threshold: float | None = None
    end_threshold: float | None = None
    end_timeout_ms: float | None = None


class _Config(_Strict):
    type: Literal["config"]
    turn: _Turn | None = None


_COMMAND: TypeAdapter[_Close | _Config] = TypeAdapter(
    Annotated[_Close | _Config, Field(discriminator="type")]
)


class TurnsStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take, and how much.
        query: what it asked for.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: TurnsQuery) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._query = query
        self._thresholds = query.thresholds
        self._request_id = str(uuid.uuid4())
        self._turn: list[Token] = []  # its words that are sure
        self._words: list[Token] = []  # all its words
        self._is_open = False
        self._is_eager = False

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self._say("connected")
            await self.opened()
            is_manual = self._thresholds.end_threshold == TRUSTS_SILENCE_ALONE
            endpoint_ms = None if is_manual else self._limits.sure_ms
            listening = Listening(self._query.format, endpoint_ms=endpoint_ms, whole_words=True)
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
                continue
            command = _read(frame)
            if isinstance(command, _Close):
                await self.finish()
                if self._is_open:
                    await self._end()
                return
            if command.turn is not None and (self._limits.hurries or not self._is_open):
                self._configure(command.turn.model_dump(exclude_none=True))

    def _configure(self, changed: dict[str, float]) -> None:
        try:
            asked = {**self._thresholds.model_dump(), **changed}
            self._thresholds = Thresholds.model_validate(asked)
        except ValidationError as error:
            raise invalid(error) from None

    async def say(self, heard: Heard) -> None:
        for tokens, is_over in utterances(heard.final):
            self._turn += tokens
            if is_over and self._turn:
                await self._grow(self._turn)
                await self._end()
        await self._grow([*self._turn, *heard.interim])
        if self._is_open and not self.recognizer.in_word:
            await self._wait_for_end()

    async def _grow(self, words: list[Token]) -> None:
        if not words or words == self._words:
            return
        self._words = list(words)
        if not self._is_open:
            self._is_open = True
            await self._say("turn.start")
        elif self._is_eager:
            self._is_eager = False
            await self._say("turn.resume")
        await self._say("turn.update", self._transcript)

    async def _wait_for_end(self) -> None:
        silent_ms = self.audio_ms - (self._words[-1].end_ms or 0)
        if silent_ms >= self._thresholds.end_timeout_ms:
            await self.recognizer.finalize()
            self.recognizer.take()
            await self._end()
        elif silent_ms >= EAGER_MS and not self._is_eager:
            self._is_eager = True
            await self._say("turn.eager_end", self._transcript)

    async def _end(self) -> None:
        await self._say("turn.end", self._transcript)
        self._turn, self._words = [], []
        self._is_open = self._is_eager = False

    @property
    def _transcript(self) -> str:
        return "".join(token.text for token in self._words)

    async def _say(self, kind: str, transcript: str | None = None) -> None:
        told = {"type": kind, "request_id": self._request_id}
        await self.peer.say(told if transcript is None else {**told, "transcript": transcript})


def _read(frame: str) -> _Close | _Config:
    """A command.

    Raises:
        Refusal: it is none.
    """
    try:
        return _COMMAND.validate_python(orjson.loads(frame))
    except orjson.JSONDecodeError:
        raise Refusal(400, None, "a message is not JSON") from None
    except ValidationError as error:
        raise invalid(error) from None
