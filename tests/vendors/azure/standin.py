"""Azure's stand-in: its doors, and who may come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.vendors.speech.doors import Door, HttpDoor, SocketDoor
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.record import Key, Record
from tests.vendors.speech.refusal import Answer, Refusal
from tests.vendors.speech.vendor import SpeechStandIn

from .files import FastTranscription, ShortAudio
from .limits import Limits
from .refusal import Wrong, worded
from .stt import AzureStream
from .stt_query import SttQuery, read_query
from .tts import Speaker, TtsConnection
from .tts_http import HttpSpeech, list_voices
from .usp import opened

__all__ = ["AzureStandIn"]

RECOGNITION = "/speech/recognition/{mode}/cognitiveservices/v1"
FAST = "/speechtotext/transcriptions:transcribe"
SYNTHESIS = "/cognitiveservices"


class AzureStandIn(SpeechStandIn[Limits]):
    """A Speech resource, with one key.

    Its paths are those of a resource's own domain, which begin with `/stt` and `/tts`, and those of
    a region's hosts, which do not. Its services are called `stt`, `files` (fast transcription) and
    `short` (recordings of less than a minute); `tts`, `tts-http` and `voices`.
    """

    usual = Limits()

    def doors(self) -> Sequence[Door]:
        fast = FastTranscription(self._hearing, self._limits)
        short = ShortAudio(self._hearing, self._limits)
        return (
            SocketDoor("stt", f"/stt{RECOGNITION}", self._listen),
            SocketDoor("stt", RECOGNITION, self._listen),
            HttpDoor("short", "POST", f"/stt{RECOGNITION}", short.answer),
            HttpDoor("files", "POST", FAST, fast.answer),
            *self._synthesis_doors(f"/tts{SYNTHESIS}"),
            *self._synthesis_doors(SYNTHESIS),
        )

    def _synthesis_doors(self, root: str) -> Sequence[Door]:
        return (
            SocketDoor("tts", f"{root}/websocket/v1", self._speak),
            SocketDoor("tts", f"{root}/websocket/v2", self._speak_pieces),
            HttpDoor(
                "tts-http",
                "POST",
                f"{root}/v1",
                HttpSpeech(self._speaker).answer,
            ),
            HttpDoor("voices", "GET", f"{root}/voices/list", list_voices),
        )

    @property
    def _speaker(self) -> Speaker:
        return Speaker(self._voice, self._pace)

    def shown_key(self, headers: Mapping[str, str], record: Record) -> Key:
        shown = headers.get("ocp-apim-subscription-key")
        if not shown:
            return "missing"
        return "right" if shown == self.api_key else "wrong"

    def opened(self, frame: str | bytes) -> str | bytes:
        return opened(frame)

    def admit(self, record: Record) -> None:
        if record.key != "right":
            text = "Access denied due to invalid subscription key or wrong API endpoint."
            raise Refusal(401, None, text)
        if record.service == "stt":
            self._admit_stream(record)
        if record.service == "tts" and self.at_once("tts") >= self._limits.tts_at_once:
            raise Refusal(429, None, "Too many concurrent requests")

    def _admit_stream(self, record: Record) -> None:
        if record.params["mode"] not in ("conversation", "dictation"):
            raise Refusal(404, None, "Resource not found")  # `interactive` is not simulated
        if len(record.headers.get("x-connectionid", "")) != 32:
            raise Wrong("X-ConnectionId is no UUID without dashes")
        read_query(SttQuery, record.query)
        if self.at_once("stt") >= self._limits.stt_at_once:
            raise Refusal(429, None, "Too many concurrent requests")

    def refusal_answer(self, refusal: Refusal, service: str) -> Answer:
        if service == "tts-http" and refusal.code == 400:
            return Answer(400)  # it does not say why (issue 86612 of Azure's documentation)
        return worded(refusal)

    async def _listen(self, peer: Peer) -> None:
        query = read_query(SttQuery, peer.record.query)
        await AzureStream(peer, self._hearing, self._limits, query).serve()

    async def _speak(self, peer: Peer) -> None:
        await TtsConnection(peer, self._speaker, self._limits, pieces=False).serve()

    async def _speak_pieces(self, peer: Peer) -> None:
        await TtsConnection(peer, self._speaker, self._limits, pieces=True).serve()
