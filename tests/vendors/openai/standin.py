"""OpenAI's stand-in for speech: its realtime sessions, its files, and its speech over HTTP."""

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

from .files import answer_file
from .offer import MODELS, REALTIME_MODELS, check_model
from .reading import ReadingSession
from .refusal import Wrong, answer_of
from .speech import Made, answer_speech
from .transcription import TranscriptionStream

__all__ = ["OpenAiStandIn"]

SESSION_S = 3_600.0


class OpenAiStandIn(SpeechStandIn[None]):
    """OpenAI for one key.

    Its services are `transcription` and `realtime`, which are the sessions without and with a model
    in their address, `files`, `speech` and `models`.

    Args:
        hearing: who listens.
        api_key: what clients have to show; None asks for none, and knows every model and voice that
            speaks over HTTP, as other people's servers do.
        made: what is made of a text over HTTP, see `speech.Made`.
        swapped: whether of each two items of a transcription the second is completed first.
        session_s: how long a session lasts.
        options: those of `SpeechStandIn`.
    """

    usual = None

    def __init__(
        self,
        hearing: Hearing,
        *,
        api_key: str | None = "stand-in-key",
        made: Made = "asked",
        swapped: bool = False,
        session_s: float = SESSION_S,
        **options: Any,
    ) -> None:
        super().__init__(hearing, api_key=api_key or "", **options)
        self._made: Made = made
        self._swapped = swapped
        self._session_s = session_s

    @property
    def api_url(self) -> str:
        """The base URL, as clients have it."""
        return f"{self.base_url}/v1"

    def doors(self) -> Sequence[Door]:
        return (
            SocketDoor("realtime", "/v1/realtime", self._read, asks="model"),
            SocketDoor("transcription", "/v1/realtime", self._transcribe),
            HttpDoor("files", "POST", "/v1/audio/transcriptions", self._answer_file),
            HttpDoor("speech", "POST", "/v1/audio/speech", self._speak),
            HttpDoor("models", "GET", "/v1/models", self._list_models),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        if not self.api_key:
            return "right"
        shown = headers.get("authorization")
        if shown is None:
            return "missing"
        return "right" if shown == f"Bearer {self.api_key}" else "wrong"

    def admit(self, record: Record) -> None:
        if record.key != "right":
            message = "Incorrect API key provided: stan****-key."
            raise Wrong(message, None, "invalid_api_key", status=401)
        if "openai-beta" in record.headers:
            message = "The Realtime Beta API is no longer supported."
            raise Wrong(message, None, "beta_api_shape_disabled")
        if record.service == "realtime":
            check_model(record.asked("model") or "", REALTIME_MODELS)
        elif record.service == "transcription" and record.asked("intent") != "transcription":
            raise Wrong("You must provide a model parameter.", "model", "missing_model")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return answer_of(refusal)

    async def _transcribe(self, peer: Peer) -> None:
        stream = TranscriptionStream(
            peer, self._hearing, lasts_s=self._session_s, swapped=self._swapped
        )
        await stream.serve()

    async def _read(self, peer: Peer) -> None:
        model = peer.record.asked("model") or ""
        session = ReadingSession(peer, self._voice, model, lasts_s=self._session_s, pace=self._pace)
        await session.serve()

    async def _answer_file(self, exchange: Exchange) -> None:
        await answer_file(exchange, self._hearing)

    async def _speak(self, exchange: Exchange) -> None:
        own = bool(self.api_key)
        await answer_speech(exchange, self._voice, made=self._made, own=own, pace=self._pace)

    async def _list_models(self, exchange: Exchange) -> None:
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "openai"}
            for name in sorted(MODELS)
        ]
        await exchange.answer(Answer.json({"object": "list", "data": models}))
