"""One speaker of a session: the audio of one channel, and whoever recognizes it now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol

import structlog

from providers.ears import Ears
from providers.errors import ProviderError
from providers.fallback import Fallback
from providers.library.listening import Listening, listening
from providers.options import SttOptions
from providers.types import SttProvider, Transcript

from .arrivals import Arrivals
from .tally import Tally, Took

__all__ = ["Channel", "Heard"]

log = structlog.get_logger(__name__)

CLOSE_S = 5.0
PATIENCE_S = 0.05
"""A session begins after so long though its recognizer is not there yet: its audio waits for it."""


class Heard(Protocol):
    """Who is told what a channel brings. It must not block."""

    def understood(self, channel: Channel, transcript: Transcript) -> None:
        """Something, with times from the channel's first byte on."""

    def channel_over(self, error: Exception | None) -> None:
        """Nothing more will be understood."""


class Channel:
    """One speaker, from `open` to `close`; the `Reader` of its stream.

    Args:
        number: which channel of the audio, from 0.
        owner: is told what is understood.
        tally: where it is counted how late what is understood is, and who fails.
        told_ms: where in the session's audio it begins.

    Attributes:
        number: as given.
        provider: who recognizes, or is to.
        shown: whether something was understood that is not final yet.
        told_ms: where in the session's audio what was understood for good ended last.
    """

    def __init__(self, number: int, owner: Heard, tally: Tally, told_ms: int = 0) -> None:
        self.number = number
        self.provider = ""
        self.shown = False
        self.told_ms = told_ms
        self._owner = owner
        self._tally = tally
        self._arrivals = Arrivals()
        self._measured_ms: float | None = None  # the beginning of speech whose first words came
        self._failed = ""  # who is to be replaced
        self._held = AsyncExitStack()
        self._listening: Listening | None = None

    async def open(
        self, stt: Fallback[SttProvider], ears: Ears, options: SttOptions, chunk_ms: int
    ) -> None:
        """Begin to listen.

        Args:
            stt: the recognizers.
            ears: tell where speech is.
            options: how to recognize.
            chunk_ms: how much audio the recognizer gets at a time.

        Raises:
            ProviderError: nobody does, as is known at once; what takes longer is told by `over`.
        """
        self.provider = stt.candidates[0].name
        stream = listening(stt, ears, options, self, chunk_ms=chunk_ms, patience_s=PATIENCE_S)
        self._listening = await self._held.enter_async_context(stream)

    @property
    def fed_ms(self) -> float:
        """How much audio was sent."""
        return self._listening.fed_ms if self._listening else 0.0

    @property
    def covered_ms(self) -> float:
        """Up to where in it all that was said was given for good."""
        return self._listening.covered_ms if self._listening else 0.0

    @property
    def speaking(self) -> bool:
        """Whether somebody is in the midst of an utterance."""
        return self._listening is not None and self._listening.speaking

    async def send(self, audio: bytes) -> None:
        """Take audio; returns when more may come.

        Raises:
            ProviderError: recognition has failed, or no more is taken.
        """
        self._arrivals.note(self.fed_ms, _now_s())
        await self._open.send(audio)

    def finalize(self) -> None:
        """Have what was said so far given for good.

        Raises:
            ProviderError: recognition has failed.
        """
        self._open.finalize()

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected."""
        self._open.expect(phrases)

    def take_no_more(self) -> None:
        """Let whoever sends go at once."""
        if self._listening is not None:
            self._listening.take_no_more()

    async def finish(self) -> None:
        """No more audio: returns when all is understood, and the recognizer released.

        Raises:
            ProviderError: recognition has failed.
        """
        try:
            await self._open.finish()
        finally:
            await self.close()

    async def close(self) -> None:
        """Release the recognizer at once, or leave it behind if it does not go. Idempotent."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._held.aclose()
        except TimeoutError:
            log.warning("a recognizer does not end; it is left behind", provider=self.provider)

    @property
    def _open(self) -> Listening:
        assert self._listening is not None
        return self._listening

    # The `Reader` of the stream

    def uses(self, name: str) -> None:
        """Somebody listens."""
        self.provider = name
        if self._failed not in ("", name):
            self._tally.switched(self._failed, name)
        self._failed = ""

    def failed(self, name: str, error: ProviderError) -> None:
        """Somebody has failed; perhaps another one goes on."""
        self._failed = name
        self._tally.failed(name)

    def understood(self, transcript: Transcript) -> None:
        """Tell the owner, with whether there was an interim before it."""
        if transcript.text.strip() and self._listening is not None:
            self._measure(transcript)
        self._owner.understood(self, transcript)
        self.shown = bool(transcript.text) and not transcript.final

    def over(self, error: Exception | None) -> None:
        """Tell the owner."""
        self._owner.channel_over(error)

    def _measure(self, transcript: Transcript) -> None:
        """Count how late something is that was understood."""
        if transcript.final:
            self._took("final", transcript.end_ms or self._open.hushed_ms or self.covered_ms)
            return
        spoke_ms = self._open.spoke_ms
        if spoke_ms is not None and spoke_ms != self._measured_ms:
            self._measured_ms = spoke_ms
            self._took("interim", spoke_ms)

    def _took(self, kind: Took, since_ms: float) -> None:
        took_s = self._arrivals.since_s(since_ms, _now_s())
        if took_s is not None:
            self._tally.took(kind, took_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
