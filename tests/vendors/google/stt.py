"""A recognition stream: calls on one connection, one after the other."""

from __future__ import annotations

import asyncio
from typing import cast

from tests.vendors.speech import stt
from tests.vendors.speech.caller import Caller
from tests.vendors.speech.hearing import END, Heard, Hearing, Listening, Token
from tests.vendors.speech.peer import Peer
from tests.vendors.speech.refusal import Refusal

from .limits import Limits
from .refusal import exceeded, timed_out
from .stt_request import Asked, Version, audio_of, config_of, read_message
from .stt_results import event, final, interim

__all__ = ["REST_MS", "RecognitionStream"]

ENDPOINT_MS = 700
REST_MS = 300
"""How much of the pause after an utterance belongs to its result (assumed)."""


class RecognitionStream(stt.SttStream):
    """Serves one client.

    Args:
        caller: it; its record's fault strikes here.
        hearing: gives each call its recognizer.
        limits: how long it may take, and how much.
        version: of the API.
    """

    def __init__(self, caller: Caller, hearing: Hearing, limits: Limits, version: Version) -> None:
        # It does all that a stream asks of its peer.
        super().__init__(cast(Peer, caller), hearing)
        self._caller = caller
        self._limits = limits
        self._version = version
        self._asked: Asked
        self._began_s = 0.0
        self._began_ms = 0.0
        self._said: list[Token] = []  # of the utterance that goes on
        self._told: list[Token] = []  # as interim results
        self._is_first = True
        self._speaking = False
        self._all_came = False

    async def serve(self) -> None:
        """Until the client is gone.

        Raises:
            Gone: it is.
            Refusal: a call cannot go on.
        """
        await self.opened()
        while True:
            await self._serve_call()
            await self._caller.end()
            await self._caller.again()

    async def say(self, heard: Heard) -> None:
        if heard.final:
            rest_ms = 0 if self._speaking else REST_MS
            end_ms = min((heard.final[-1].end_ms or 0) + rest_ms, self.audio_ms - self._began_ms)
            message = final(
                self._version, self._asked, heard.final, end_ms, is_first=self._is_first
            )
            self._is_first = False
            await self._caller.send(message)
        elif heard.interim and self._asked.interim and self._told != heard.interim:
            self._told = list(heard.interim)
            stable = len(self._said)
            parts = self._told[:stable], self._told[stable:]
            await self._caller.send(interim(self._version, self._asked, *parts))

    async def tell(self, heard: Heard) -> None:
        for token in heard.final:
            if token != END:
                await self._begin()
                self._said.append(token)
                await self._cut_if_long()
            elif self._said:
                await self._end()
        if self._all_came and self._said:
            await self._end()
        if heard.interim:
            await self._begin()
        if self._said or heard.interim:
            await super().tell(Heard((), [*self._said, *heard.interim]))

    def advanced(self) -> None:
        if self.audio_ms - self._began_ms > self._limits.stream_s * 1000:
            raise exceeded(self._limits.stream_s)

    async def _serve_call(self) -> None:
        self._began_s = asyncio.get_running_loop().time()
        self._began_ms = self.audio_ms
        self._is_first, self._speaking, self._all_came = True, False, False
        self._said, self._told = [], []
        message = await self._receive(self._limits.config_s)
        if message is None:
            raise Refusal(400, None, "Invalid request: no streaming_config was sent.")
        first = read_message(self._version.streaming_request, message)
        self._asked = config_of(self._version, first, self._limits)
        listening = Listening(self._asked.format, endpoint_ms=ENDPOINT_MS, whole_words=True)
        async with self.recognizing(listening):
            while (message := await self._receive(self._limits.idle_s)) is not None:
                request = read_message(self._version.streaming_request, message)
                await self.hear(audio_of(self._version, request, self._limits))
            self._all_came = True
            await self._caller.while_here(asyncio.sleep(self._limits.final_s))
            if not self._limits.ends_unfinal:
                await self.finish()

    async def _receive(self, idle_s: float) -> bytes | None:
        left_s = self._began_s + self._limits.stream_s - asyncio.get_running_loop().time()
        try:
            return await self._caller.receive(max(0.0, min(idle_s, left_s)))
        except TimeoutError:
            if left_s <= idle_s:
                raise exceeded(self._limits.stream_s) from None
            raise timed_out(self._version.number) from None

    async def _begin(self) -> None:
        """Somebody speaks."""
        if not self._speaking:
            self._speaking = True
            await self._tell_event(begins=True)

    async def _end(self) -> None:
        """The utterance is over."""
        self._speaking = False
        await self._tell_event(begins=False)
        said, self._said, self._told = self._said, [], []
        await super().tell(Heard(said))

    async def _cut_if_long(self) -> None:
        """Nobody speaks for ever: somewhere it becomes final, though the speaker goes on."""
        began_ms, ended_ms = self._said[0].start_ms or 0, self._said[-1].end_ms or 0
        if ended_ms - began_ms > self._limits.utterance_ms:
            said, self._said, self._told = self._said, [], []
            await super().tell(Heard(said))

    async def _tell_event(self, *, begins: bool) -> None:
        if self._asked.events:
            at_ms = self.audio_ms - self._began_ms
            await self._caller.send(event(self._version, self._asked, begins=begins, at_ms=at_ms))
