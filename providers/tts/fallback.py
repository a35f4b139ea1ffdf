"""Several synthesizers behind one face: who fails, or is slow, is replaced.

A provider that fails before any audio of a text came is replaced by the next, which speaks it from
its start. One that fails later has been heard: the text ends there, and the next text is another's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import replace

import structlog

from media.audio import AudioFormat

from ..errors import CutOffError, ProviderError
from ..fallback import Candidate, Fallback, Follower, nobody
from ..options import TtsOptions
from ..types import SynthesisChunk, TtsProvider
from .speaking import Speaking

__all__ = ["FallbackTts", "own_options"]

log = structlog.get_logger(__name__)


class FallbackTts:
    """Speaks the texts of one call or session: it keeps to the voice that it has begun with.

    A provider that is well again is not gone back to, since a caller would hear another voice yet
    another time; the next call prefers it again.

    Args:
        tts: the synthesizers.
        audio: the format that is wanted; None is that of the preferred one.
        hedge_ms: when nothing came of a text after so long another provider is asked too, and who
            speaks first is heard; None is never. Both may want money for it.
        follower: is told who speaks.

    Attributes:
        format: of its audio.
    """

    def __init__(
        self,
        tts: Fallback[TtsProvider],
        *,
        audio: AudioFormat | None = None,
        hedge_ms: float | None = None,
        follower: Follower = nobody,
    ) -> None:
        self.tts = tts
        self.hedge_s = None if hedge_ms is None else hedge_ms / 1000
        self.follower = follower
        self._present: Candidate[TtsProvider] | None = None
        self.format = audio or tts.candidates[0].provider.format

    async def synthesize(
        self, text: str, options: TtsOptions
    ) -> AsyncGenerator[SynthesisChunk, None]:
        """Speak `text`. Closing the iterator early stops the synthesis.

        Args:
            options: the model and the pronunciations are the preferred provider's; so is the
                voice, unless there is one for each, see `own_options`.

        Raises (from the iterator):
            CutOffError: the provider failed after some was given, and there are others.
            ProviderError: none of them can speak it.
        """
        race = _Race(self._order(options.language), text, options, self)
        try:
            speaking, chunk = await race.won()
            self._present = speaking.candidate
            self.follower.uses(speaking.candidate.name)
            while chunk is not None:
                yield chunk
                chunk = await self._more(speaking)
        finally:
            await race.stop()

    def failed(self, candidate: Candidate[TtsProvider], error: ProviderError) -> None:
        """Note that somebody could not speak a text, or not to its end."""
        log.warning("synthesizer failed", error=str(error))
        candidate.failed(error)
        self.follower.failed(candidate.name, error)
        if candidate is self._present:
            self._present = None

    def _order(self, language: str) -> list[Candidate[TtsProvider]]:
        """Who is asked first: the voice that is known, if it is well, of those that suit.

        Who does not speak the language by its own list comes last, but is asked: it may all the
        same, and says what is wrong if not.
        """
        ranked = self.tts.ranked()
        if self._present is not None and self._present.health.well:
            ranked.remove(self._present)
            ranked.insert(0, self._present)
        return sorted(ranked, key=lambda one: not one.provider.capabilities.speaks(language))

    async def _more(self, speaking: Speaking) -> SynthesisChunk | None:
        """The next piece of a text of which some was given.

        Raises:
            CutOffError, ProviderError: as `synthesize`.
        """
        try:
            return await speaking.take()
        except ProviderError as error:
            self.failed(speaking.candidate, error)
            if len(self.tts.candidates) == 1:
                raise
            raise CutOffError(
                error.provider, f"a text was cut off: {error.reason}", code=error.code
            ) from error


class _Race:
    """Who speaks a text: one provider, or the next when that fails, or two when it is slow."""

    def __init__(
        self,
        candidates: list[Candidate[TtsProvider]],
        text: str,
        options: TtsOptions,
        face: FallbackTts,
    ) -> None:
        self._waiting = deque(candidates)
        self._running: list[Speaking] = []
        self._begun: list[Speaking] = []
        self._text, self._options = text, options
        self._face = face
        self._news = asyncio.Event()

    async def won(self) -> tuple[Speaking, SynthesisChunk | None]:
        """The first to speak, and its first piece of audio; the others are stopped.

        Raises:
            ProviderError: nobody can: what the first of those says that may be able to later.
        """
        errors: list[ProviderError] = []
        while self._running or self._waiting:
            if not self._running:
                self._start()
            ready = next((one for one in self._running if one.has_news), None)
            if ready is None:
                await self._wait()
                continue
            self._running.remove(ready)
            try:
                chunk = await ready.take()
            except ProviderError as error:
                errors.append(error)
                self._face.failed(ready.candidate, error)
                continue
            ready.candidate.succeeded(ready.began_s)
            for slower in self._running:
                slower.cancel()
                if slower.began_s < ready.began_s:
                    slower.candidate.outrun()
            return ready, chunk
        raise next((error for error in errors if error.retryable), errors[0])

    async def stop(self) -> None:
        """Speak no more of it."""
        for speaking in self._begun:
            speaking.cancel()
        for speaking in self._begun:
            await speaking.stopped()

    def _start(self) -> None:
        face, candidate = self._face, self._waiting.popleft()
        options = own_options(self._options, face.tts.place(candidate), face.tts.named)
        candidate.set_aside(_left_out(self._options, options))
        speaking = Speaking(candidate, self._text, options, face.format, self._news.set)
        self._running.append(speaking)
        self._begun.append(speaking)

    async def _wait(self) -> None:
        """Until somebody has something to say; who is slow gets a rival that is well."""
        self._news.clear()
        rival = len(self._running) == 1 and self._waiting and self._waiting[0].health.well
        try:
            async with asyncio.timeout(self._face.hedge_s if rival else None):
                await self._news.wait()
        except TimeoutError:
            log.info("synthesizer is slow, another is asked too", slow=self._running[0].name)
            self._start()


def own_options(options: TtsOptions, at: int, providers: int) -> TtsOptions:
    """What of the options is meant for the provider at that place (from 0) among several.

    `voice` may be a list, parted by commas: a voice for each provider, in their order, of which any
    may be empty. Who has none of its own speaks with its default.
    """
    if providers == 1:
        return options
    voices = (options.voice or "").split(",")
    voice = voices[at].strip() if at < len(voices) else ""
    options = replace(options, voice=voice or None)
    return options if at == 0 else replace(options, model=None, pronunciations=())


def _left_out(asked: TtsOptions, own: TtsOptions) -> list[str]:
    """What was asked for and is not one provider's own, unless it was asked for each by itself."""
    of_each = "," in (asked.voice or "")
    names = ("model", "pronunciations") if of_each else ("voice", "model", "pronunciations")
    return [name for name in names if getattr(asked, name) and not getattr(own, name)]
