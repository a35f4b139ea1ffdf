"""Cartesia's stand-in: its doors, and who may come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.vendors.speech.doors import Door, HttpDoor, SocketDoor
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .limits import Limits
from .offer import VERSIONS, VOICES, listed
from .query import ManualQuery, TurnsQuery, read_query
from .refusal import worded
from .stt import ManualStream
from .tts import Connection, Places
from .turns import TurnsStream

__all__ = ["CartesiaStandIn"]

QUERIES: Mapping[str, type[ManualQuery | TurnsQuery]] = {"stt": ManualQuery, "turns": TurnsQuery}


class CartesiaStandIn(SpeechStandIn[Limits]):
    """Cartesia for one key.

    Its services are called `stt` (`/stt/websocket`), `turns` (`/stt/turns/websocket`), `tts` and
    `voices`.

    Args:
        hearing: gives each stream its recognizer.
        options: those of `SpeechStandIn`.
    """

    usual = Limits()

    def __init__(self, hearing: Hearing, **options: Any) -> None:
        super().__init__(hearing, **options)
        self._places = Places(self._limits.contexts_at_once)

    def doors(self) -> Sequence[Door]:
        return (
            SocketDoor("stt", "/stt/websocket", self._listen),
            SocketDoor("turns", "/stt/turns/websocket", self._turns),
            SocketDoor("tts", "/tts/websocket", self._speak),
            HttpDoor("voices", "GET", "/voices", _voices),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        shown = headers.get("authorization") or headers.get("x-api-key")
        if not shown:
            return "missing"
        return "right" if shown.removeprefix("Bearer ") == self.api_key else "wrong"

    def admit(self, record: Record) -> None:
        if record.key != "right":
            raise Refusal(401, None, "Invalid API key")
        version = record.headers.get("cartesia-version") or record.asked("cartesia_version")
        if version not in VERSIONS:
            raise Refusal(400, None, "Cartesia-Version is missing, or is no version")
        limits = self._limits
        if record.service in QUERIES:
            read_query(QUERIES[record.service], record.query)
            if self.at_once("stt") + self.at_once("turns") >= limits.stt_at_once:
                raise Refusal(429, None, "Too many concurrent requests")
        elif record.service == "tts" and self.at_once("tts") >= limits.sockets:
            raise Refusal(429, None, "Too many WebSocket connections")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return worded(refusal)

    async def _listen(self, peer: Peer) -> None:
        query = read_query(ManualQuery, peer.record.query)
        await ManualStream(peer, self._hearing, self._limits, query).serve()

    async def _turns(self, peer: Peer) -> None:
        query = read_query(TurnsQuery, peer.record.query)
        await TurnsStream(peer, self._hearing, self._limits, query).serve()

    async def _speak(self, peer: Peer) -> None:
        connection = Connection(peer, self._voice, self._limits, self._places, pace=self._pace)
        await connection.serve()


async def _voices(exchange: Exchange) -> None:
    limit = exchange.record.asked("limit") or "10"
    if not (limit.isdigit() and 1 <= int(limit) <= 100):
        raise Refusal(400, None, "limit: 1 to 100")
    ids = list(VOICES)
    if (after := exchange.record.asked("starting_after")) is not None:
        if after not in VOICES:
            raise Refusal(400, "voice_not_found", "starting_after: no such voice")
        ids = ids[ids.index(after) + 1 :]
    page = ids[: int(limit)]
    data = [listed(voice_id) for voice_id in page]
    await exchange.answer(Answer.json({"data": data, "has_more": len(ids) > len(page)}))
