"""Soniox' stand-in: its two sockets, and who may open one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tests.vendors.speech.doors import Door, SocketDoor
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Json, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .keys import KEY_PROTOCOL, Keys
from .limits import Limits
from .refusal import error_body, limit_exceeded
from .stt import SttStream
from .tts import TtsConnection

__all__ = ["STT_PATH", "TTS_PATH", "SonioxStandIn"]

STT_PATH, TTS_PATH = "/transcribe-websocket", "/tts-websocket"
MINUTE_S = 60.0


class SonioxStandIn(SpeechStandIn[Limits]):
    """Soniox for one key.

    Its services are called `stt` and `tts`.

    Args:
        hearing: gives each STT stream its recognizer: `OracleHearing` or `SphinxHearing`.
        api_key: what clients have to show.
        wrong_key: how a wrong key is answered: by HTTP 401, or by an error message after the first
            one of the client, without which its own SDK would not see it.
        config_key: whether a key in an STT config will do, as it will until 15 January 2027.
        stt_faults: what happens to the STT connections, one each (see `speech.faults`).
        tts_faults: likewise.
        options: those of `SpeechStandIn`.

    Attributes:
        hearing: see above.
    """

    usual = Limits()

    def __init__(
        self,
        hearing: Hearing,
        *,
        api_key: str = "stand-in-key",
        wrong_key: Literal["upgrade", "message"] = "upgrade",
        config_key: bool = False,
        stt_faults: Iterable[Fault] = (),
        tts_faults: Iterable[Fault] = (),
        **options: Any,
    ) -> None:
        faults = {"stt": stt_faults, "tts": tts_faults}
        super().__init__(hearing, api_key=api_key, faults=faults, **options)
        self.hearing = hearing
        self._wrong_key = wrong_key
        self._keys = Keys(api_key, in_config=config_key)
        self._starts: dict[str, deque[float]] = {"stt": deque(), "tts": deque()}

    @property
    def stt(self) -> list[Record]:
        """The STT connections, in the order of their handshakes."""
        return self.records["stt"]

    @property
    def tts(self) -> list[Record]:
        """The TTS connections, likewise."""
        return self.records["tts"]

    @property
    def stt_url(self) -> str:
        return self.ws_url + STT_PATH

    @property
    def tts_url(self) -> str:
        return self.ws_url + TTS_PATH

    def doors(self) -> Sequence[Door]:
        return (
            SocketDoor("stt", STT_PATH, self._serve_stt),
            SocketDoor("tts", TTS_PATH, self._serve_tts),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        return self._keys.shown(headers)

    def select_subprotocol(self, offered: Sequence[str]) -> str | None:
        return KEY_PROTOCOL if KEY_PROTOCOL in offered else None

    def admit(self, record: Record) -> None:
        if self._keys.refuses(record.key) and self._wrong_key == "upgrade":
            raise Refusal(401, None, "Unauthorized")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return Answer(refusal.code, f"{refusal}\n".encode(), "text/plain; charset=utf-8")

    async def _serve_stt(self, peer: Peer) -> None:
        if await self._has_room(peer, self._limits.stt_at_once, {"tokens": []}):
            await SttStream(peer, self.hearing, self._limits, self._keys).serve()

    async def _serve_tts(self, peer: Peer) -> None:
        if await self._has_room(peer, self._limits.tts_at_once, {}):
            connection = TtsConnection(peer, self._voice, self._limits, self._keys, pace=self._pace)
            await connection.serve()

    async def _has_room(self, peer: Peer, most_at_once: int, head: Json) -> bool:
        """Whether there is room for a client; one that finds none is told so."""
        try:
            self._see_room(peer.record.service, most_at_once)
        except Refusal as refusal:
            await peer.say({**head, **error_body(refusal)})
            await peer.close()
            return False
        return True

    def _see_room(self, service: str, most_at_once: int) -> None:
        if self.at_once(service) > most_at_once:
            raise limit_exceeded("Too many concurrent streams")
        starts, now_s = self._starts[service], asyncio.get_running_loop().time()
        while starts and now_s - starts[0] >= MINUTE_S:
            starts.popleft()
        if len(starts) >= self._limits.starts_per_min:
            raise limit_exceeded("Too many requests in a minute")
        starts.append(now_s)
