"""Deepgram's stand-in: its doors, and who may come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.vendors.speech.doors import Door, HttpDoor, SocketDoor
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .files import Recordings
from .flux import FluxStream
from .limits import Limits
from .offer import MODELS
from .query import FluxQuery, ListenQuery, SpeakQuery, read_query
from .refusal import worded
from .speaking import Speaking
from .stt import ListenStream
from .tts import SpeakConnection

__all__ = ["DeepgramStandIn"]

QUERIES: Mapping[str, type[ListenQuery | FluxQuery | SpeakQuery]] = {
    "stt": ListenQuery,
    "flux": FluxQuery,
    "tts": SpeakQuery,
}


class DeepgramStandIn(SpeechStandIn[Limits]):
    """Deepgram for one key.

    Its services are called `stt` (`/v1/listen`), `flux` and `files`; `tts` (the WebSocket) and
    `tts-http`; `models` and `token`.
    """

    usual = Limits()

    def doors(self) -> Sequence[Door]:
        files = Recordings(self._hearing)
        speaking = Speaking(self._voice, self._limits, pace=self._pace)
        return (
            SocketDoor("stt", "/v1/listen", self._listen),
            SocketDoor("flux", "/v2/listen", self._flux),
            SocketDoor("tts", "/v1/speak", self._speak),
            HttpDoor("files", "POST", "/v1/listen", files.answer),
            HttpDoor("tts-http", "POST", "/v1/speak", speaking.answer),
            HttpDoor("models", "GET", "/v1/models", _models),
            HttpDoor("token", "GET", "/v1/auth/token", _token),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        offered = headers.get("sec-websocket-protocol", "")
        shown = headers.get("authorization") or offered.replace("token, ", "Token ", 1)
        if not shown:
            return "missing"
        # `Bearer` is for short-lived tokens, which are not simulated.
        return "right" if shown == f"Token {self.api_key}" else "wrong"

    def select_subprotocol(self, offered: Sequence[str]) -> str | None:
        return "token" if "token" in offered else None

    def admit(self, record: Record) -> None:
        if record.key != "right":
            raise Refusal(401, None, "Invalid credentials.")
        kind = QUERIES.get(record.service)
        if kind is None:
            return
        read_query(kind, record.query)
        limits = self._limits
        is_speech = record.service == "tts"
        open_now = self.at_once("tts") if is_speech else self.at_once("stt") + self.at_once("flux")
        if open_now >= (limits.tts_at_once if is_speech else limits.stt_at_once):
            raise Refusal(429, None, "Too many requests. Please try again later.")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return worded(refusal)

    async def _listen(self, peer: Peer) -> None:
        query = read_query(ListenQuery, peer.record.query)
        await ListenStream(peer, self._hearing, self._limits, query).serve()

    async def _flux(self, peer: Peer) -> None:
        query = read_query(FluxQuery, peer.record.query)
        await FluxStream(peer, self._hearing, self._limits, query).serve()

    async def _speak(self, peer: Peer) -> None:
        query = read_query(SpeakQuery, peer.record.query)
        connection = SpeakConnection(peer, self._voice, self._limits, query, pace=self._pace)
        await connection.serve()


async def _models(exchange: Exchange) -> None:
    await exchange.answer(Answer.json(MODELS))


async def _token(exchange: Exchange) -> None:
    told = {"api_key_id": "4a0f", "scopes": ["usage:write"], "accessor": "a1"}
    await exchange.answer(Answer.json(told))
