"""A recognition stream: one turn after the other on a connection.

There is no documentation. What comes in which order is what the SDKs need to be content; when the
service ends a turn by itself, and when a connection, is assumed, see `.limits`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from media.audio import AudioFormat
from media.files import AudioFileError, read_wav_header
from tests.vendors.speech import stt
from tests.vendors.speech.hearing import END, Heard, Hearing, Listening, Token
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .limits import Limits
from .refusal import TOO_MANY, Wrong, close_of
from .results import nothing, said, ticks
from .stt_query import SttContext, SttQuery, read_config, read_context
from .usp import Message, read_message, text_frame

__all__ = ["AzureStream"]

RIFF_BYTES = 44
SLICE_MS = 100.0
ENDPOINT_MS = 500
STATUSES = {400: "BadRequest", 402: "Forbidden", 429: "TooManyRequests"}


class AzureStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives each turn a recognizer.
        limits: how long it may take.
        query: what it asked for in the address.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: SttQuery) -> None:
        super().__init__(peer, hearing)
        self._limits = limits
        self._query = query
        self._until_s = asyncio.get_running_loop().time() + limits.connection_s
        self._configured = False
        self._contexts: dict[str, SttContext] = {}
        self._over: set[str] = set()
        self._turn = ""
        self._context = SttContext()
        self._began_ms = 0.0  # the turn, in all audio that came
        self._quiet_ms = 0.0  # since when nobody speaks, in the turn
        self._is_silent = True  # nothing was understood in the turn
        self._words: list[Token] = []  # of the utterance
        self._hypothesis = ""
        self._ending = False

    async def serve(self) -> None:
        """Until the client leaves, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self.opened()
            while True:
                await self._serve_turn(await self._next())
        except Refusal as refusal:
            await self._refuse(refusal)

    async def _refuse(self, refusal: Refusal) -> None:
        """In a turn it is a result; else it closes the connection, as what is no message does."""
        status = STATUSES.get(refusal.code, "Error" if refusal.code >= 500 else None)
        closes = not self._turn or isinstance(refusal, Wrong) or refusal.error_type == TOO_MANY
        if status is None or closes:
            await self.peer.close(*close_of(refusal))
            return
        await self._say("speech.phrase", nothing(status, self._turn_ms))
        await self._say("turn.end", {})
        await self.peer.close()

    # What comes

    async def _next(self) -> Message:
        """The next audio of a turn that is not over."""
        while True:
            message = await self._receive()
            if message.path == "speech.config":
                read_config(message.json())
                self._configured = True
            elif not self._configured:
                raise Wrong(f"{message.path} before speech.config")
            elif message.path == "speech.context":
                self._note_context(message)
            elif message.path == "audio" and message.request_id not in self._over:
                return self._checked(message)
            elif message.path not in ("audio", "telemetry"):
                self.peer.record.complaints.append(f"{message.path} means nothing")

    async def _receive(self) -> Message:
        left_s = self._until_s - asyncio.get_running_loop().time()
        try:
            frame = await self.peer.receive(max(0.0, min(left_s, self._limits.idle_s)))
        except TimeoutError:
            why = "idle" if left_s > self._limits.idle_s else "connected"
            raise Wrong(f"The connection was {why} for too long", code=408) from None
        try:
            return read_message(frame)
        except Refusal as refusal:
            raise Wrong(str(refusal)) from None

    def _note_context(self, message: Message) -> None:
        if self._turn or message.request_id in self._over:
            raise Wrong("speech.context in a turn")
        self._contexts = {message.request_id: read_context(message.json(), self._query)}

    def _checked(self, message: Message) -> Message:
        if self._turn and message.request_id != self._turn:
            raise Wrong("a turn begins before the last one is over")
        if not message.headers.get("x-streamid"):
            raise Wrong("audio without X-StreamId")
        return message

    # A turn

    async def _serve_turn(self, first: Message) -> None:
        audio_format = _format_of(first)
        self._turn, self._words, self._hypothesis = first.request_id, [], ""
        self._ending, self._is_silent = False, True
        self._began_ms, self._quiet_ms = self.audio_ms, 0.0
        self._context = self._contexts.pop(self._turn, SttContext())
        await self._say("turn.start", {"context": {"serviceTag": secrets.token_hex(16)}})
        endpoint_ms = self._context.silence_ms or ENDPOINT_MS
        listening = Listening(audio_format, endpoint_ms=endpoint_ms, whole_words=True)
        async with self.recognizing(listening):
            if audio_format is not None and not await self._hear_turn(first):
                await self._fall_silent()
            else:
                await self.finish()
                await self._say_phrase()
                ended = self._limits.silent_end if self._is_silent else "EndOfDictation"
                await self._say("speech.phrase", nothing(ended, self._turn_ms))
        await self._say("speech.endDetected", {"Offset": ticks(self._turn_ms)})
        await self._say("turn.end", {})
        self._over.add(self._turn)
        self._turn = ""

    async def _hear_turn(self, message: Message) -> bool:
        """Listen; whether the client ends the turn: else nobody speaks."""
        audio = _bytes(message)[RIFF_BYTES:]
        while True:
            size = max(1, self._bytes(SLICE_MS))
            for at in range(0, len(audio), size):
                await self.hear(audio[at : at + size])
                if self._turn_ms - self._quiet_ms >= self._limits.silence_ms:
                    return False
            audio = _bytes(await self._next())
            if not audio:
                self._ending = True
                return True

    async def _fall_silent(self) -> None:
        """Behind words there is no result for it."""
        await self._say_phrase()
        if self._is_silent:
            await self._say("speech.phrase", nothing("InitialSilenceTimeout", self._turn_ms))

    @property
    def _turn_ms(self) -> float:
        return self.audio_ms - self._began_ms

    async def say(self, heard: Heard) -> None:
        if heard.final or heard.interim or self.recognizer.in_word:
            if not (self._words or self._quiet_ms):
                await self._say("speech.startDetected", {"Offset": ticks(self._turn_ms)})
            self._quiet_ms = self._turn_ms
        for token in heard.final:
            if token == END:
                await self._say_phrase()
            else:
                self._words.append(token)
        if self._ending or self._is_long():
            await self._say_phrase()
        await self._say_hypothesis([*self._words, *heard.interim])

    def _is_long(self) -> bool:
        if not self._words:
            return False
        start_ms, end_ms = self._words[0].start_ms, self._words[-1].end_ms
        assert start_ms is not None
        assert end_ms is not None
        return end_ms - start_ms >= (self._context.forced_ms or self._limits.phrase_ms)

    async def _say_phrase(self) -> None:
        """What there is of an utterance is all of it."""
        words, self._words, self._hypothesis = self._words, [], ""
        if not words:
            return
        self._is_silent = False
        output, query = self._context.output, self._query
        detailed = "Detailed" in output.format or query.format == "detailed"
        times = "WordTimings" in output.detailed.options or query.wordLevelTimestamps == "true"
        phrase = said(words, detailed=detailed, words=times)
        await self._say("speech.phrase", {"Id": secrets.token_hex(16), **phrase, **self._spoken()})

    async def _say_hypothesis(self, tokens: Sequence[Token]) -> None:
        text = " ".join(token.text.strip() for token in tokens).lower()
        if not text or text == self._hypothesis:
            return
        self._hypothesis = text
        phrase = said(tokens, detailed=False, words=False)
        times = {"Offset": phrase["Offset"], "Duration": phrase["Duration"]}
        await self._say("speech.hypothesis", {"Text": text, **times, **self._spoken()})

    def _spoken(self) -> Json:
        if self._context.languages is None:
            return {}
        language = self._context.languages.languages[0]
        return {"PrimaryLanguage": {"Language": language, "Confidence": "High"}}

    async def _say(self, path: str, body: Json) -> None:
        await self.peer.send(text_frame(path, self._turn, body))


def _format_of(first: Message) -> AudioFormat | None:
    """What a turn's audio is like; None when there is none.

    Raises:
        Wrong: it does not say that, or cannot be decoded.
    """
    audio = _bytes(first)
    if not audio:
        return None
    try:
        header = read_wav_header(audio)
    except AudioFileError as error:
        raise Wrong(f"audio that begins as no WAV file does: {error.found}") from None
    if header.data_at != RIFF_BYTES or header.format.channels != 1:
        raise Wrong("a WAV header of another kind")
    return header.format


def _bytes(message: Message) -> bytes:
    assert isinstance(message.body, bytes)
    return message.body
