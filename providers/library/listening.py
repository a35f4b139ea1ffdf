"""Audio recognized at the pace that its recognizer takes, whoever that is.

Recognizers that take all audio take it about as fast as it is spoken: that is what their vendors
promise to keep up with. Those of utterances take the next one when they have answered the last.

What is understood depends on the audio and not on how it was cut or when it came: utterances begin
and end at places in it. The ears judge what came a little later, in ticks; until then audio is held
in which an utterance may end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

from media.audio import decode
from media.resample import Resampler
from media.vad import WINDOW_MS, SpeechDetector, SpeechEvent, SpeechStarted

from ..audio.rate import check_rate
from ..ears import Ears
from ..errors import (
    DeadlineError,
    ProviderError,
    UnavailableError,
    UnsupportedError,
    UnsupportedFormatError,
)
from ..fallback import Fallback, Follower
from ..options import AUTO, SttOptions
from ..stt.relay import CHUNK_MS, Relay
from ..types import SttEvent, SttProvider, Transcript

__all__ = ["ENDPOINT_MS", "Listening", "Reader", "listening"]

PIECE_MS = 100
LEAD_S = 2.0
"""So far ahead of real time audio may come, as from a network that stalled."""
CATCH_UP = 1.25
"""What is further ahead is taken so much faster than real time: it must not be late for ever."""
AHEAD_MS = 250.0
"""So far ahead of the ears a recognizer may be: they are about 200 ms late, at most."""
ENDPOINT_MS = 700
"""An utterance ends after so much silence; telephone turns are short."""
LONGEST_UTTERANCE_MS = 20_000.0
"""An utterance is cut after so long: a recognizer keeps little more for the next one."""
OPEN_S, ANSWER_S = 30.0, 60.0
_VAD_HZ = 8_000


class Reader(Follower, Protocol):
    """Who wants to know what was understood. It must not block."""

    def understood(self, transcript: Transcript) -> None:
        """What was understood, with times from the first byte sent on."""

    def over(self, error: Exception | None) -> None:
        """All was understood, or nothing more will be."""


class Listening:
    """One speaker's audio on its way to whoever understands it; see `listening`.

    Attributes:
        spoke_ms, hushed_ms: where in the audio the speaker began last, and fell silent last, as far
            as the ears have judged.
    """

    def __init__(
        self,
        stt: Fallback[SttProvider],
        ears: Ears,
        options: SttOptions,
        reader: Reader,
        chunk_ms: int = CHUNK_MS,
    ) -> None:
        self._format = options.audio
        # The one that is spoken, if that is known already.
        known = options.language != AUTO and not options.languages
        self._told = options.language if known else None
        self._name = stt.name
        self._reader = reader
        self._relay = Relay(stt, options, self, chunk_ms)
        self._endpointing = options.endpointing
        silence_ms = ENDPOINT_MS if options.endpointing_ms is None else options.endpointing_ms
        self._silence_ms = max(silence_ms, WINDOW_MS)
        self._to_vad = Resampler(options.audio.sample_rate_hz, _VAD_HZ)
        self._vad = ears.open(
            self._heard_speech,
            on_judged=self._hand_on,
            detector=SpeechDetector(min_silence_ms=self._silence_ms),
        )
        self._rest = b""  # of a sample
        self._held = bytearray()
        self._given = 0  # bytes
        self.spoke_ms: float | None = None
        self.hushed_ms: float | None = None
        self._began_ms: float | None = None  # where the utterance began that is not over
        self._unanswered = 0  # utterances
        self._ahead_s = 0.0
        self._sent_s = 0.0
        self._changed = asyncio.Event()
        self._opened = False
        self._full = False  # nothing more is taken
        self._error: Exception | None = None
        self._over = False

    @property
    def fed_ms(self) -> float:
        """How much audio was sent."""
        return self._format.duration_ms(self._given + len(self._held))

    @property
    def covered_ms(self) -> float:
        """Up to where in the audio all that was said was given in final transcripts."""
        return self._relay.covered_ms

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun that is not over, as far as the ears have judged."""
        return self._began_ms is not None

    @property
    def lost_ms(self) -> float:
        """How much of it no recognizer has got, since it could not be kept for so long."""
        return self._relay.lost_ms

    async def send(self, audio: bytes) -> None:
        """Have more audio recognized; returns when it may go on.

        Raises:
            UnavailableError: nothing more was to be taken before all of it was sent.
            ProviderError: nobody can recognize it, or somebody does not answer.
        """
        audio = self._rest + audio
        whole = len(audio) - len(audio) % self._format.frame_bytes
        audio, self._rest = audio[:whole], audio[whole:]
        step = self._format.byte_count(PIECE_MS)
        for at in range(0, whole, step):
            if at:
                await asyncio.sleep(0)  # it may be much, and everybody else must breathe
            await self._keep_pace()
            if self._full:
                raise UnavailableError(
                    self._name,
                    "the stream was stopped before all audio was sent",
                    hint="stop it when `send` has returned",
                    retryable=False,
                )
            self._feed(audio[at : at + step])

    def take_no_more(self) -> None:
        """Let whoever sends go, at once; what was sent so far is still recognized."""
        self._full = True
        self._changed.set()

    def finalize(self) -> None:
        """The utterance is over, whatever is heard: its final transcript, perhaps empty, follows.

        Raises:
            ProviderError: as `send`.
        """
        self._check_open()
        self._vad.judge()
        self._give(self.fed_ms)
        self._end_utterance(speaking=self._vad.speaking)

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected; none is for free speech."""
        self._relay.expect(phrases)

    async def finish(self) -> None:
        """No more audio: returns when all of it is recognized.

        Raises:
            ProviderError: as `send`.
        """
        self._check_open()
        self._vad.feed(self._to_vad.flush())
        self._vad.judge()
        self._give(self.fed_ms)
        if self._began_ms is not None:
            self._end_utterance(speaking=False)
        await self._relay.finish()
        await self._until(lambda: self._over, ANSWER_S, "it has not answered")

    async def run(self) -> None:
        """Recognize, until all is; an error is raised by who sends and who waits."""
        try:
            await self._relay.run(self._understood)
            self._over = True
        except asyncio.CancelledError:
            self._error = UnavailableError(
                self._name, "the stream was left", hint="begin another one", retryable=False
            )
            raise
        except Exception as error:
            self._error = error
        finally:
            self.close()
            self._changed.set()
            self._reader.over(self._error)

    async def opened(self) -> None:
        """Wait until somebody listens.

        Raises:
            ProviderError: nobody does.
        """
        await self._until(lambda: self._opened, OPEN_S, "no recognizer has opened a stream")

    def close(self) -> None:
        """Give back the place in the VAD: nothing more is fed. Idempotent."""
        self._vad.close()

    # The `Follower` of the relay

    def uses(self, name: str) -> None:
        """Somebody listens."""
        self._name = name
        self._opened = True
        self._changed.set()
        self._reader.uses(name)

    def failed(self, name: str, error: ProviderError) -> None:
        """Somebody has failed; the relay sees to it."""
        self._reader.failed(name, error)

    # Pace

    async def _keep_pace(self) -> None:
        if self._relay.utterances:
            await self._until(
                lambda: self._full or not self._unanswered,
                ANSWER_S,
                "an utterance was not answered",
            )
        else:
            now_s = asyncio.get_running_loop().time()
            pace = 1.0 if self._relay.is_paced else CATCH_UP
            self._ahead_s = max(0.0, self._ahead_s - (now_s - self._sent_s) * pace)
            self._sent_s = now_s
            if self._ahead_s > LEAD_S:
                await asyncio.sleep((self._ahead_s - LEAD_S) / pace)
        self._check_open()

    async def _until(self, condition: Callable[[], bool], deadline_s: float, late: str) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                while not condition():
                    self._check_open()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise DeadlineError(
                self._name, f"{late} within {deadline_s:g} s", hint="begin anew, or elsewhere"
            ) from None

    def _check_open(self) -> None:
        if self._error is not None:
            raise self._error
        if self._over:
            raise UnavailableError(
                self._name, "the stream is over", hint="begin another one", retryable=False
            )

    def _feed(self, audio: bytes) -> None:
        self._ahead_s += self._format.duration_ms(len(audio)) / 1000
        self._held += audio
        self._vad.feed(self._to_vad.process(decode(audio, self._format.encoding)))
        self._hand_on()

    # Utterances

    def _hand_on(self) -> None:
        """Let the recognizer have the audio before the first place where an utterance may end."""
        judged_ms = self._vad.judged_ms
        last_ms = self._vad.last_speech_ms if self._vad.speaking else None
        if last_ms is not None:
            self._give(min(last_ms + self._silence_ms, judged_ms + AHEAD_MS))
        elif self._relay.utterances:
            self._give(judged_ms)  # it wants none but speech
        else:
            self._give(judged_ms + min(self._silence_ms, AHEAD_MS))

    def _give(self, until_ms: float) -> None:
        """Let the recognizer have the audio up to there; an utterance that gets too long is cut."""
        until_ms = min(until_ms, self.fed_ms)
        while self._began_ms is not None and self._began_ms + LONGEST_UTTERANCE_MS <= until_ms:
            self._pass_on(self._began_ms + LONGEST_UTTERANCE_MS)
            self._end_utterance(speaking=True)
        self._pass_on(until_ms)

    def _pass_on(self, until_ms: float) -> None:
        size = self._format.byte_count(until_ms) - self._given
        if size > 0 and self._held:
            audio = bytes(self._held[:size])
            del self._held[:size]
            self._given += len(audio)
            # The audio's own clock: whoever sends it may stop and go on at any time.
            self._relay.feed(audio, self._format.duration_ms(self._given))

    def _heard_speech(self, event: SpeechEvent) -> None:
        self._give(self._vad.judged_ms)
        if isinstance(event, SpeechStarted):
            self.spoke_ms = event.at_ms
            self._began_ms = self._began_ms or event.at_ms
            self._relay.speech_started(event.at_ms)
            return
        self.hushed_ms = event.at_ms
        self._relay.speech_stopped(event.at_ms)
        if self._relay.utterances or self._endpointing:
            self._end_utterance(speaking=False)
        self._began_ms = None

    def _end_utterance(self, *, speaking: bool) -> None:
        """It ends where the recognizer is; whoever still speaks begins another one there."""
        self._began_ms = self._relay.fed_ms if speaking else None
        if self._relay.utterances:
            self._unanswered += 1
        self._relay.finalize()

    def _understood(self, event: SttEvent) -> None:
        event = self._relay.on_clock(event)
        if not isinstance(event, Transcript):
            return  # whoever listens to a file or stream knows no turns
        if event.language is None:
            event = replace(event, language=self._told)
        if event.final:
            self._unanswered = max(0, self._unanswered - 1)
            self._changed.set()
        self._reader.understood(event)


@asynccontextmanager
async def listening(
    stt: Fallback[SttProvider],
    ears: Ears,
    options: SttOptions,
    reader: Reader,
    *,
    chunk_ms: int = CHUNK_MS,
    patience_s: float | None = None,
) -> AsyncIterator[Listening]:
    """Have audio recognized until the context is left, which ends it at once.

    Args:
        stt: the recognizers.
        ears: who tells where speech is.
        options: how to recognize; `audio` has one channel.
        reader: is told what is understood.
        chunk_ms: how much audio the recognizer gets at a time.
        patience_s: begin after so long though nobody listens yet: the audio waits for who will.
            None waits, and fails when nobody does.

    Raises:
        UnsupportedFormatError: the audio has more than one channel.
        UnsupportedRateError: nobody takes so many samples a second, or so few.
        UnsupportedError: the endpointing is no time.
        ProviderError: there is no recognizer that can be had.
    """
    _check(stt.name, options)
    one = Listening(stt, ears, options, reader, chunk_ms)
    task = asyncio.create_task(one.run())
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await one.opened()
        yield one
    finally:
        one.close()
        task.cancel()
        await asyncio.wait([task])


def _check(name: str, options: SttOptions) -> None:
    """See that a stream can be had, whoever recognizes it."""
    if options.audio.channels != 1:
        raise UnsupportedFormatError(
            name, "a stream has one channel", hint="mix them, or use a stream for each"
        )
    check_rate(options.audio.sample_rate_hz, "the stream")
    if (options.endpointing_ms or 0) < 0:
        raise UnsupportedError(
            name,
            f"endpointing_ms is {options.endpointing_ms}",
            hint="let it be 0 or more; endpointing=False does without",
        )
