"""AssemblyAI's stand-in: its doors, and who may come in."""

from __future__ import annotations

import secrets
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
from .query import read_query
from .refusal import worded
from .stt import Session

__all__ = ["AssemblyAiStandIn"]


class AssemblyAiStandIn(SpeechStandIn[Limits]):
    """AssemblyAI for one key; it does not speak.

    Its services are called `stt` (`/v3/ws`) and `token`.

    Args:
        hearing: gives each session its recognizer.
        options: those of `SpeechStandIn`.
    """

    usual = Limits()

    def __init__(self, hearing: Hearing, **options: Any) -> None:
        super().__init__(hearing, **options)
        self._tokens: set[str] = set()  # each for one session

    def doors(self) -> Sequence[Door]:
        return (
            SocketDoor("stt", "/v3/ws", self._session),
            HttpDoor("token", "GET", "/v3/token", self._token),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        token = record.asked("token")
        if token is not None:
            return "right" if token in self._tokens else "wrong"
        shown = headers.get("authorization")
        if not shown:
            return "missing"
        # No scheme: with `Bearer` before it, it is not the key.
        return "right" if shown == self.api_key or shown in self._tokens else "wrong"

    def admit(self, record: Record) -> None:
        if record.key != "right":
            raise Refusal(401, None, "Unauthorized")
        if record.service == "stt":
            self._tokens.discard(record.asked("token") or record.headers.get("authorization", ""))
            read_query(record.query)
            if self.at_once("stt") >= self._limits.at_once:
                raise Refusal(429, None, "Too many concurrent sessions")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return worded(refusal)

    async def _session(self, peer: Peer) -> None:
        query = read_query(peer.record.query)
        await Session(peer, self._hearing, self._limits, query).serve()

    async def _token(self, exchange: Exchange) -> None:
        expires = exchange.record.asked("expires_in_seconds") or ""
        if not (expires.isdigit() and 1 <= int(expires) <= 600):
            raise Refusal(400, None, "expires_in_seconds: 1 to 600")
        token = secrets.token_hex(16)
        self._tokens.add(token)
        await exchange.answer(Answer.json({"token": token, "expires_in_seconds": int(expires)}))
