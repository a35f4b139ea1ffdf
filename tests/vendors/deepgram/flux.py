"""A stream of Flux, `/v2/listen`: one WebSocket, until `CloseStream`.

Source: https://developers.deepgram.com/docs/flux/state, and `force-end-turn`, `close-stream`
"""

from __future__ import annotations

import uuid

from tests.vendors.speech import stt
from tests.vendors.speech.hearing import Heard, Hearing, Listening, Token, utterances
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Json, Refusal

from .controls import CloseStream, FluxConfigure, read_flux_control
from .limits import Limits
from .query import FluxQuery
from .refusal import Closing, closing_of, error_message
from .results import seconds
from .stt import check_container

__all__ = ["FluxStream"]

CHUNK_MS = 80
UPDATE_MS = 250.0
EAGER_MS = 300.0
"""After so much silence it is half sure that the turn is over (assumed)."""


class FluxStream(stt.SttStream):
    """Serves one client.

    Args:
        peer: it; its record's fault strikes here.
        hearing: gives it a recognizer.
        limits: how long it may take.
        query: what it asked for.
    """

    def __init__(self, peer: Peer, hearing: Hearing, limits: Limits, query: FluxQuery) -> None:
        super().__init__(peer, hearing, message_ms=CHUNK_MS)
        self._limits = limits
        self._query = query
        self._request_id = str(uuid.uuid4())
        self._sequence_id = 0
        self._turn_index = 0
        self._turn_ms = 0.0  # where it begins
        self._turn: list[Token] = []  # its words that are final
        self._words: list[Token] = []  # all its words
        self._open = False
        self._eager = False
        self._told_ms = 0.0

    async def serve(self) -> None:
        """Until the client has all it is owed, or an error.

        Raises:
            Gone: the client left.
        """
        try:
            await self._say({"type": "Connected"})
            await self.opened()
            is_manual = self._query.eot_threshold == 1.0
            endpoint_ms = None if is_manual else self._query.eot_timeout_ms
            listening = Listening(self._query.format, endpoint_ms=endpoint_ms, whole_words=True)
            async with self.recognizing(listening):
                await self._run()
        except Refusal as refusal:
            told = error_message(refusal)
            await self._say({"type": "Error", "code": _code(refusal), "description": str(refusal)})
            closing = closing_of(refusal)
            await self.peer.close(closing.code, told["variant"])
        except Closing as closing:
            await self.peer.close(closing.code, str(closing))
        else:
            # It closes without a code.
            await self.peer.close(None)

    async def _run(self) -> None:
        while True:
            try:
                frame = await self.peer.receive(self._limits.idle_s)
            except TimeoutError:
                raise Closing(1011, "NET-0001") from None
            if isinstance(frame, bytes):
                if self._query.encoding is None and not self.audio_ms:
                    check_container(frame)
                await self.hear(frame)
                continue
            control = read_flux_control(frame)
            if isinstance(control, CloseStream):
                await self.finish()
                await self._info("Update")
                return
            if isinstance(control, FluxConfigure):
                await self._configure(control)
            else:
                await self._force()

    async def _configure(self, asked: FluxConfigure) -> None:
        changed = asked.thresholds.model_dump(exclude_none=True)
        self._query = self._query.model_copy(update=changed)
        names = ("eot_threshold", "eager_eot_threshold", "eot_timeout_ms")
        thresholds = {name: getattr(self._query, name) for name in names}
        await self._say({"type": "ConfigureSuccess", "thresholds": thresholds, "keyterms": []})

    async def _force(self) -> None:
        if not self._open:
            return  # which is no error
        heard = await self.settle()
        self._turn += [token for tokens, _ in utterances(heard.final) for token in tokens]
        await self._end("manual")

    async def say(self, heard: Heard) -> None:
        for tokens, is_over in utterances(heard.final):
            self._turn += tokens
            if is_over and self._turn:
                await self._grow(self._turn)
                await self._end("model")
        await self._grow([*self._turn, *heard.interim])
        if self._open:
            await self._wait_for_end()
        if self.audio_ms - self._told_ms >= UPDATE_MS:
            await self._info("Update")

    async def _grow(self, words: list[Token]) -> None:
        """Tell of more words."""
        changed = words != self._words
        self._words = list(words)
        if words and not self._open:
            self._open = True
            await self._info("StartOfTurn")
        elif changed and self._eager:
            self._eager = False
            await self._info("TurnResumed")

    async def _wait_for_end(self) -> None:
        """Tell that it might be, or has to be, the turn's end."""
        if self.recognizer.in_word:
            return
        silent_ms = self.audio_ms - (self._words[-1].end_ms or 0)
        if silent_ms >= self._query.eot_timeout_ms:
            await self._end("timeout")
        elif self._query.eager_eot_threshold and not self._eager and silent_ms >= EAGER_MS:
            self._eager = True
            await self._info("EagerEndOfTurn")

    async def _end(self, trigger: str) -> None:
        if trigger == "timeout":
            await self.recognizer.finalize()
            self.recognizer.take()
        elif trigger == "manual" and self._turn != self._words:
            self._words = list(self._turn)
        await self._info("EndOfTurn", trigger)
        self._turn_index += 1
        self._turn_ms = self.audio_ms
        self._turn, self._words = [], []
        self._open = self._eager = False

    async def _info(self, event: str, trigger: str | None = None) -> None:
        self._told_ms = self.audio_ms
        message: Json = {
            "type": "TurnInfo",
            "event": event,
            "turn_index": self._turn_index,
            "audio_window_start": seconds(self._turn_ms),
            "audio_window_end": seconds(self.audio_ms),
            "transcript": " ".join(token.text.strip() for token in self._words),
            "words": [_word(token) for token in self._words],
            "end_of_turn_confidence": 0.8 if event == "EndOfTurn" else 0.1,
        }
        if trigger is not None:
            message["trigger"] = trigger
        if self._query.model == "flux-general-multi":
            message["languages"] = [*self._query.language_hint, "en"][:1] if self._words else []
            if self._query.language_hint:
                message["languages_hinted"] = self._query.language_hint
        await self._say(message)

    async def _say(self, message: Json) -> None:
        numbered = {"request_id": self._request_id, "sequence_id": self._sequence_id, **message}
        self._sequence_id += 1
        await self.peer.say(numbered)


def _word(token: Token) -> Json:
    return {
        "word": token.text.strip(),
        "confidence": token.confidence,
        "start": seconds(token.start_ms or 0),
        "end": seconds(token.end_ms or 0),
    }


def _code(refusal: Refusal) -> str:
    if refusal.error_type is None and refusal.code == 400:
        return "UNPARSABLE_CLIENT_MESSAGE"
    return str(error_message(refusal)["variant"])
