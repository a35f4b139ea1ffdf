"""A synthesis connection: one text after another, as SSML or piece by piece.

As Microsoft's SDKs speak with the service, version 1.53 of the native one: there is no
documentation. What the service does when a text begins before the one before it has ended is not
known: here it waits.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from media.audio import AudioFormat, encode
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal
from tests.vendors.speech.strike import Striker
from tests.vendors.speech.voices import CHUNK_MS, Speaking, Voice, sayable

from .limits import Limits
from .refusal import close_of
from .ssml import Said, read_ssml
from .tts_context import Metadata, Synthesis, decodable, read_context
from .usp import Message, binary_frame, read_message, text_frame

__all__ = ["Speaker", "TtsConnection"]

TICKS_PER_MS = 10_000
STREAM_ID = "A1"
MOST_SSML = 64 << 10
"""As is documented of SSML over a WebSocket, in bytes; characters here."""
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks for everybody.

    Attributes:
        voice: it.
        pace: how many times as fast as it is spoken audio is made; None is at once.
    """

    voice: Voice
    pace: float | None


class TtsConnection:
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        speaker: who speaks.
        limits: how long, and how much.
        pieces: whether texts come piece by piece here.
    """

    def __init__(self, peer: Peer, speaker: Speaker, limits: Limits, *, pieces: bool) -> None:
        self._peer = peer
        self._speaker = speaker
        self._limits = limits
        self._pieces = pieces
        self._striker = Striker(peer, peer.record.fault)
        self._sent_ms = 0.0

    async def serve(self) -> None:
        """Until the client leaves, or an error, or it has been open for too long.

        Raises:
            Gone: the client left.
        """
        code, reason = 1000, ""
        try:
            async with asyncio.timeout(self._limits.connection_s):
                await self._striker.strike_if("open", 0)
                await self._run()
        except Refusal as refusal:
            code, reason = close_of(refusal)
        except TimeoutError:
            reason = "The connection was open for too long"
        await self._peer.close(code, reason)

    async def _run(self) -> None:
        if (first := await self._next()).path != "speech.config":
            raise Refusal(400, None, f"The first message is {first.path}, not speech.config")
        first.json()
        while True:
            message = await self._next()
            if message.path != "synthesis.context":
                raise Refusal(400, None, f"{message.path} without synthesis.context")
            wanted = read_context(message.json(), pieces=self._pieces)
            turn = _Turn(
                self._peer, self._speaker, message.request_id, wanted, self._limits.boundaries
            )
            await (self._spell(turn, wanted) if self._pieces else self._speak(turn))

    async def _next(self) -> Message:
        """The next message that says anything."""
        while True:
            try:
                frame = await self._peer.receive(self._limits.idle_s)
            except TimeoutError:
                raise Refusal(408, None, "The connection was idle for too long") from None
            message = read_message(frame)
            if message.path != "telemetry":
                return message

    async def _speak(self, turn: _Turn) -> None:
        """A text that comes whole."""
        message = await self._of(turn, "ssml")
        if len(text := _text(message)) > MOST_SSML:
            raise Refusal(400, None, "The SSML is too long")
        await turn.begin()  # also when it is refused
        for one in read_ssml(text, self._peer.record.complaints):
            await self._say(turn, one)
        await self._end(turn)

    async def _spell(self, turn: _Turn, wanted: Synthesis) -> None:
        """A text that comes piece by piece."""
        assert wanted.input is not None
        language = wanted.input.language or "en-US"
        speed = wanted.input.speed(self._peer.record.complaints)
        text = ""
        while (message := await self._of(turn, "text.piece", "text.end")).path == "text.piece":
            if not turn.begun:
                await turn.begin()
            ready, text = sayable(self._speaker.voice, text + _text(message), ended=False)
            await self._say(turn, Said(wanted.input.voice, ready, speed, language))
        if not turn.begun:
            await turn.begin()
        await self._say(turn, Said(wanted.input.voice, text, speed, language))
        await self._end(turn)

    async def _of(self, turn: _Turn, *paths: str) -> Message:
        message = await self._next()
        if message.path not in paths or message.request_id != turn.id:
            raise Refusal(400, None, f"{message.path} where {paths[0]} was due")
        kind = "application/ssml+xml" if message.path == "ssml" else "text/plain"
        if message.headers.get("content-type") != kind:
            raise Refusal(400, None, f"{message.path} is not {kind}")
        return message

    async def _say(self, turn: _Turn, said: Said) -> None:
        for chunk, words in await turn.chunks(said):
            await asyncio.sleep(0 if self._speaker.pace is None else turn.pause_s(chunk))
            await self._striker.strike_if("audio", self._sent_ms)
            await turn.give(chunk, words)
            self._sent_ms += turn.format.duration_ms(len(chunk))

    async def _end(self, turn: _Turn) -> None:
        await self._striker.strike_if("finish", self._sent_ms)
        await turn.end()


class _Turn:
    """One text.

    Attributes:
        id: the client's, which every answer repeats.
        format: of its audio.
        begun: whether it was said that it begins.
    """

    def __init__(
        self,
        peer: Peer,
        speaker: Speaker,
        turn_id: str,
        wanted: Synthesis,
        boundaries: Literal["with", "before", "behind"],
    ) -> None:
        self.id = turn_id
        self._boundaries = boundaries
        self._late: list[Json] = []  # words that are told of at the end
        self.format: AudioFormat = decodable(wanted.audio.output_format)
        self.begun = False
        self._metadata: Metadata = wanted.audio.metadata
        self._peer = peer
        self._speaker = speaker
        self._made_ms = 0.0

    def pause_s(self, chunk: bytes) -> float:
        """How long a chunk takes to be made."""
        assert self._speaker.pace is not None
        return self.format.duration_ms(len(chunk)) / 1000 / self._speaker.pace

    async def begin(self) -> None:
        """Say that it begins, and as which stream its audio comes."""
        self.begun = True
        context = {"serviceTag": self.id[::-1]}
        await self._tell("turn.start", {"context": context})
        audio = {"type": "inline", "streamId": STREAM_ID}
        await self._tell("response", {"context": context, "audio": audio})

    async def chunks(self, said: Said) -> list[tuple[bytes, list[Json]]]:
        """The audio of some text, each chunk with the words that begin in it."""
        rate_hz = self.format.sample_rate_hz
        speaking = Speaking(rate_hz, said.speed, said.language.partition("-")[0])
        audio = encode(await self._speaker.voice.speak(said.text, speaking), self.format.encoding)
        total_ms, size = self.format.duration_ms(len(audio)), self.format.byte_count(CHUNK_MS)
        words = self._words(said.text, total_ms)
        chunks = []
        for at in range(0, len(audio), size):
            begun = self._begun(words, self._made_ms + self.format.duration_ms(at + size))
            words = words[len(begun) :]
            chunks.append((audio[at : at + size], begun))
        self._late += words
        self._made_ms += total_ms
        return chunks

    def _begun(self, words: Sequence[Json], until_ms: float) -> list[Json]:
        """Those that are told of with the audio until then."""
        if self._boundaries == "with":
            return [word for word in words if word["Data"]["Offset"] < until_ms * TICKS_PER_MS]
        return list(words) if self._boundaries == "before" else []

    async def give(self, chunk: bytes, words: Sequence[Json]) -> None:
        """Send a chunk; what is told of it comes before it."""
        if words:
            await self._tell("audio.metadata", {"Metadata": list(words)})
        await self._peer.send(
            binary_frame("audio", self.id, chunk, stream_id=STREAM_ID, content_type="audio/basic")
        )

    async def end(self) -> None:
        """Say that all of it is said."""
        if self._late:
            await self._tell("audio.metadata", {"Metadata": self._late})
        if self._metadata.end:
            offset = round(self._made_ms * TICKS_PER_MS)
            end = {"Type": "SessionEnd", "Data": {"Offset": offset}}
            await self._tell("audio.metadata", {"Metadata": [end]})
        await self._tell("turn.end", {})

    def _words(self, text: str, total_ms: float) -> list[Json]:
        """The boundaries that were asked for; characters share the time evenly."""
        each_ms = total_ms / max(1, len(text))
        told = []
        for found in _WORD.finditer(text):
            is_word = found[0][0].isalnum()
            if not (self._metadata.words if is_word else self._metadata.punctuation):
                continue
            words = {
                # The service tells what stood in the document.
                "Text": html.escape(found[0], quote=False),
                "Length": len(found[0]),
                "BoundaryType": "WordBoundary" if is_word else "PunctuationBoundary",
            }
            data = {
                "Offset": round((self._made_ms + found.start() * each_ms) * TICKS_PER_MS),
                "Duration": round(len(found[0]) * each_ms * TICKS_PER_MS),
                "text": words,
            }
            told.append({"Type": "WordBoundary", "Data": data})
        return told

    async def _tell(self, path: str, body: Json) -> None:
        await self._peer.send(text_frame(path, self.id, body))


def _text(message: Message) -> str:
    assert isinstance(message.body, str)  # or it would not have been read
    return message.body
