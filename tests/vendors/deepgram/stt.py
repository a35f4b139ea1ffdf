"""A recognition stream of `/v1/listen`: one WebSocket, until `CloseStream`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from tests.vendors.speech import stt
from tests.vendors.speech.hearing import END, Heard, Hearing, Listening, Token, utterances
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .controls import CloseStream, Configure, Finalize, read_control
from .limits import Limits
from .query import ListenQuery
from .refusal import Closing, closing_of, error_message
from .results import alternative, metadata, model_info, seconds

__all__ = ["ListenStream", "check_container"]

MESSAGE_MS = 1_000
# When it is done with silence is assumed.
SILENT_MS = 3_000.0
NOTICEABLE_MS = 300.0
"""With less audio buffered, `Finalize` is not answered (how much that is, is assumed)."""
MAGIC = (b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\x1aE\xdf\xa3")


class ListenStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take.
        query: what it asked for.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: ListenQuery) -> None:
        super().__init__(peer, hearing, message_ms=MESSAGE_MS)
        self._limits = limits
        self._query = query
        self._request_id = str(uuid.uuid4())
        self._alive_until_s = 0.0
        self._final_ms = 0.0  # up to where results are final
        self._word_ms: float | None = None  # the end of the last final word whose gap is not told
        self._speaking = False
        self._finalizing = False

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            listening = Listening(
                self._query.format, endpoint_ms=self._query.endpoint_ms, whole_words=True
            )
            async with self.recognizing(listening):
                await self._run()
        except Refusal as refusal:
            await self.peer.say(error_message(refusal))
            closing = closing_of(refusal)
            await self.peer.close(closing.code, str(closing))
        except Closing as closing:
            await self.peer.close(closing.code, str(closing))
        else:
            await self.peer.close()

    async def _run(self) -> None:
        self._alive()
        while True:
            left_s = self._alive_until_s - asyncio.get_running_loop().time()
            try:
                frame = await self.peer.receive(max(0.0, left_s))
            except TimeoutError:
                raise Closing(1011, "NET-0001") from None
            if not frame:
                self.peer.record.complaints.append("an empty frame, which ends the stream")
                return await self._close()
            if isinstance(frame, bytes):
                if self._query.encoding is None and not self.audio_ms:
                    check_container(frame)
                self._alive()
                await self.hear(frame)
                continue
            control = read_control(frame)
            if isinstance(control, CloseStream):
                return await self._close()
            if isinstance(control, Finalize):
                await self._finalize()
            elif isinstance(control, Configure):
                await self._configure()
            elif self.audio_ms:
                # It holds a stream that has begun, no other.
                self._alive()

    def _alive(self) -> None:
        self._alive_until_s = asyncio.get_running_loop().time() + self._limits.idle_s

    async def _configure(self) -> None:
        if self._query.model.startswith("nova-3"):
            await self.peer.say({"type": "ConfigureSuccess", "request_id": self._request_id})
            return
        failure = {"type": "ConfigureFailure", "code": "CONFIGURE_KEYTERMS_NOT_SUPPORTED"}
        await self.peer.say({**failure, "description": "Configure requires nova-3"})

    async def _finalize(self) -> None:
        heard = await self.settle()
        if not heard.final and self.audio_ms - self._final_ms < NOTICEABLE_MS:
            return
        self._finalizing = True
        try:
            await self.tell(heard)
        finally:
            self._finalizing = False

    async def _close(self) -> None:
        await self.finish()
        told = metadata(self._request_id, self.audio_ms)
        info = {self._request_id: model_info(self._query.model)}
        await self.peer.say({"type": "Metadata", **told, "model_info": info})

    async def say(self, heard: Heard) -> None:
        await self._tell_start(heard)
        if self._finalizing:
            tokens = [token for token in heard.final if token != END]
            await self._say_final(tokens, self.audio_ms, speech_final=END in heard.final)
        else:
            for tokens, is_over in utterances(heard.final):
                end_ms = self.audio_ms if is_over else float(tokens[-1].end_ms or 0)
                await self._say_final(tokens, end_ms, speech_final=is_over)
        if not heard.final and not heard.interim and self.audio_ms - self._final_ms >= SILENT_MS:
            await self._say_final([], self.audio_ms, speech_final=False)
        elif self._query.interim_results == "true" and (heard.interim or not heard.final):
            await self._say_results(heard.interim, self.audio_ms)
        await self._tell_gap(heard)

    async def _tell_start(self, heard: Heard) -> None:
        if not self._speaking and (heard.interim or any(t != END for t in heard.final)):
            self._speaking = True
            if self._query.vad_events == "true":
                first = next(t for t in (*heard.final, *heard.interim) if t != END)
                timestamp = seconds(first.start_ms or 0)
                message = {"type": "SpeechStarted", "channel": [0, 1], "timestamp": timestamp}
                await self.peer.say(message)

    async def _tell_gap(self, heard: Heard) -> None:
        gap_ms = self._query.utterance_end_ms
        if gap_ms is None or self._word_ms is None or heard.interim:
            return
        if self.audio_ms - self._word_ms >= gap_ms:
            last, self._word_ms = seconds(self._word_ms), None
            message = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last}
            await self.peer.say(message)

    async def _say_final(
        self, tokens: Sequence[Token], end_ms: float, *, speech_final: bool
    ) -> None:
        await self._say_results(tokens, end_ms, is_final=True, speech_final=speech_final)
        self._final_ms = end_ms
        if tokens:
            self._word_ms = tokens[-1].end_ms
        if speech_final:
            self._speaking = False

    async def _say_results(
        self,
        tokens: Sequence[Token],
        end_ms: float,
        *,
        is_final: bool = False,
        speech_final: bool = False,
    ) -> None:
        query = self._query
        best = alternative(tokens, marks=query.has_marks, speakers=query.has_speakers)
        message: Json = {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": seconds(end_ms - self._final_ms),
            "start": seconds(self._final_ms),
            "is_final": is_final,
            "speech_final": speech_final,
            "channel": {"alternatives": [best]},
            "metadata": {
                "request_id": self._request_id,
                "model_info": model_info(query.model),
                "model_uuid": self._request_id,
            },
            "from_finalize": is_final and self._finalizing,
        }
        await self.peer.say(message)


def check_container(audio: bytes) -> None:
    """See that audio of which nothing was said tells itself what it is.

    Raises:
        Closing: it does not.
    """
    if not audio.startswith(MAGIC):
        raise Closing(1008, "DATA-0000")
