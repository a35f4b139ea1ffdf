"""ElevenLabs' stand-in: its doors, and who may come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tests.vendors.speech.doors import Door, HttpDoor, SocketDoor
from tests.vendors.speech.exchange import Exchange
from tests.vendors.speech.hearing import Hearing
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Json, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .files import ScribeFiles
from .limits import Limits
from .offer import MODELS, VOICES
from .refusal import Wrong, worded
from .speaking import Speaker
from .stt import ScribeStream
from .tts import MultiConnection
from .tts_http import HttpSpeech
from .tts_single import SingleConnection

__all__ = ["ElevenLabsStandIn"]

SOCKETS = ("stt", "tts", "tts-single")


class ElevenLabsStandIn(SpeechStandIn[Limits]):
    """ElevenLabs for one key.

    Its services are called `stt` and `files`; `tts` (with contexts), `tts-single` and `tts-http`;
    `voices` and `models`.

    Args:
        hearing: gives each stream or recording its recognizer.
        wrong_key: how a WebSocket with a wrong key is answered: by HTTP 401, or by an error message
            at once, as it is documented.
        voices: those that are listed, and may be asked for.
        options: those of `SpeechStandIn`.
    """

    usual = Limits()

    def __init__(
        self,
        hearing: Hearing,
        *,
        wrong_key: Literal["upgrade", "message"] = "message",
        voices: Sequence[Json] = VOICES,
        **options: Any,
    ) -> None:
        super().__init__(hearing, **options)
        self._wrong_key = wrong_key
        self._voices = voices
        voice_ids = frozenset(listed["voice_id"] for listed in voices)
        self._speaker = Speaker(self._voice, voice_ids, self._limits, self._pace)

    def doors(self) -> Sequence[Door]:
        speech = "/v1/text-to-speech/{voice_id}"
        http = HttpSpeech(self._speaker)
        files = ScribeFiles(self._hearing, self._limits)
        return (
            SocketDoor("stt", "/v1/speech-to-text/realtime", self._serve_stt),
            SocketDoor("tts", f"{speech}/multi-stream-input", self._serve_multi),
            SocketDoor("tts-single", f"{speech}/stream-input", self._serve_single),
            HttpDoor("tts-http", "POST", f"{speech}/stream", http.answer),
            HttpDoor("files", "POST", "/v1/speech-to-text", files.answer),
            HttpDoor("voices", "GET", "/v2/voices", self._list_voices),
            HttpDoor("models", "GET", "/v1/models", self._list_models),
        )

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        shown = headers.get("xi-api-key")
        if shown is None:
            return "missing"
        return "right" if shown == self.api_key else "wrong"

    def admit(self, record: Record) -> None:
        if record.service in SOCKETS and self._wrong_key == "message":
            return
        refused = self._refusal(record)
        if refused is not None:
            raise refused

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        return worded(refusal)

    def _refusal(self, record: Record) -> Refusal | None:
        """Why a client may not be here."""
        if record.key != "right":
            return Refusal(401, None, "Invalid API key")
        # A request counts when it is answered, a connection once it is there.
        if self.at_once(record.service) > self._limits.at_once:
            return Refusal(429, None, "Too many concurrent requests")
        return None

    async def _serve_stt(self, peer: Peer) -> None:
        stream = ScribeStream(peer, self._hearing, self._limits)
        await stream.serve(refused=self._refusal(peer.record))

    async def _serve_multi(self, peer: Peer) -> None:
        await MultiConnection(peer, self._speaker).serve(refused=self._refusal(peer.record))

    async def _serve_single(self, peer: Peer) -> None:
        await SingleConnection(peer, self._speaker).serve(refused=self._refusal(peer.record))

    async def _list_voices(self, exchange: Exchange) -> None:
        asked = exchange.record.asked
        size, begin = asked("page_size") or "10", asked("next_page_token") or "0"
        if not size.isdecimal() or not 1 <= int(size) <= 100:
            raise Wrong("page_size may be 1 to 100", param="page_size", code=422)
        if not begin.isdecimal():
            raise Wrong("next_page_token is none of ours", param="next_page_token")
        at, end = int(begin), int(begin) + int(size)
        more = end < len(self._voices)
        page = {
            "voices": self._voices[at:end],
            "has_more": more,
            "total_count": len(self._voices) if asked("include_total_count") != "false" else 0,
            "next_page_token": str(end) if more else None,
        }
        await exchange.answer(Answer.json(page))

    async def _list_models(self, exchange: Exchange) -> None:
        models = [
            {
                "model_id": model,
                "name": model.replace("_", " ").title(),
                "can_do_text_to_speech": True,
                "languages": [{"language_id": code, "name": code} for code in languages or ()],
            }
            for model, languages in MODELS.items()
        ]
        await exchange.answer(Answer.json(models))
