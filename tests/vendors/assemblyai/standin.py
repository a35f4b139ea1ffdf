"""AssemblyAI's stand-in: its doors, and who may come in."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from tests.vendors.speech import standin
from tests.vendors.speech.doors import Door, HttpDoor, SocketDoor
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.voices import Voice

from .limits import Limits
from .query import read_query
from .refusal import worded
from .stt import Session

__all__ = ["AssemblyAiStandIn"]


class AssemblyAiStandIn(standin.StandIn):
    """AssemblyAI for one key; an async context manager that serves on loopback.

    Its services are called `stt` (`/v3/ws`) and `token`.

    Args:
        hearing: gives each session its recognizer.
        api_key: what clients have to show.
        limits: how long it waits, how much it takes, and how fast.
        faults: by service, what happens to its connections and requests.
        voice, pace: of nobody: it does not speak.
        send_s: how long a client may take to read what it is sent.
        port: to listen on; 0 is any.
        keep: whether every frame is kept.
    """

    def __init__(
        self,
        hearing: Hearing,
        *,
        api_key: str = "stand-in-key",
        limits: Limits | None = None,
        faults: Mapping[str, Iterable[Fault]] | None = None,
        voice: Voice | None = None,
        pace: float | None = None,
        send_s: float = 20.0,
        port: int = 0,
        keep: bool = True,
    ) -> None:
        super().__init__(
            api_key=api_key,
            engines=[hearing],
            faults=faults,
            send_s=send_s,
            port=port,
            keep=keep,
        )
        self._hearing = hearing
        self._limits = limits or Limits()
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
