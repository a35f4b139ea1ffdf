"""One call's way in: the caller's µ-law → samples → voice activity, and the recognizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

from bot.engine_log import EngineLog
from bot.parts import CallParts
from media.audio import ULAW_8K, Samples, ulaw_to_pcm
from media.vad import SpeechEvent, SpeechStarted
from providers.ears import Ears
from providers.fallback import Fallback, Follower, nobody
from providers.options import SttOptions
from providers.stt.relay import CHUNK_MS, Relay
from providers.types import SttEvent, SttProvider

__all__ = ["Hearing"]

FORGIVEN = 0.05
"""Frames may be later than those of the last VAD event by so much of the audio since."""


class Hearing:
    """Feeds the VAD and the recognizer with one caller's audio.

    Args:
        ears: the VAD of the process.
        stt: the recognizers.
        options: how to recognize; the audio's format is chosen here.
        on_speech: called with each VAD event and the offset (ms) that turns its times, which are on
            the audio's clock, into times on the call's clock.
        chunk_ms: how much audio is handed over at a time.
        follower: is told who recognizes.
    """

    def __init__(
        self,
        ears: Ears,
        stt: Fallback[SttProvider],
        options: SttOptions,
        on_speech: Callable[[SpeechEvent, float], None],
        chunk_ms: int = CHUNK_MS,
        follower: Follower = nobody,
    ) -> None:
        self._relay = Relay(stt, replace(options, audio=ULAW_8K), follower, chunk_ms)
        self._on_speech = on_speech
        self._offset_ms = 0.0
        # Those of the last VAD event: its offset, and how much audio had come in.
        self._event_offset_ms = math.inf
        self._event_fed_ms = 0.0
        self._vad = ears.open(self._heard_speech)

    @classmethod
    def of(
        cls,
        parts: CallParts,
        on_speech: Callable[[SpeechEvent, float], None],
        now_ms: Callable[[], float],
    ) -> Self:
        """That of a call, whose recognizers expect what its dialog has said last."""
        phrases = parts.progress.expected or parts.stt_options.phrases
        return cls(
            parts.ears,
            parts.stt,
            replace(parts.stt_options, phrases=phrases),
            on_speech,
            parts.stt_chunk_ms,
            EngineLog("stt", parts.counts, parts.keeper, now_ms),
        )

    @property
    def heard_ms(self) -> float:
        """How much audio came in."""
        return self._relay.fed_ms

    @property
    def judged_ms(self) -> float:
        """How far the VAD has judged the audio, on the call's clock.

        It goes by where the last VAD event was placed on it: frames that come late, all at once,
        would move that. What was lost since is forgotten little by little.
        """
        since_ms = self._relay.fed_ms - self._event_fed_ms
        offset_ms = min(self._offset_ms, self._event_offset_ms + FORGIVEN * since_ms)
        return self._vad.judged_ms + offset_ms

    @property
    def lost_ms(self) -> int:
        """How much audio no recognizer has got, since it could not be kept for so long."""
        return self._relay.lost_ms

    def feed(self, ulaw: bytes, now_ms: float) -> Samples:
        """Take a frame of any length that arrived at `now_ms`; returns its samples (8 kHz)."""
        samples = ulaw_to_pcm(ulaw)
        self._relay.feed(ulaw, now_ms)
        self._offset_ms = now_ms - self._relay.fed_ms
        self._vad.feed(samples)
        return samples

    def finalize(self) -> None:
        """The utterance is over: ask the recognizer for its final transcript."""
        self._relay.finalize()

    def ended_ms(self, stream_ms: int) -> float | None:
        """When words ended in the recognizer's stream, on the call's clock; None when it said 0.

        A recognizer of utterances gets what the VAD noticed and the silence behind it, in which no
        word ends.
        """
        at_ms = self._relay.clock_ms(stream_ms)
        spoken_ms = self._vad.last_speech_ms if self._relay.utterances else None
        if at_ms is None or spoken_ms is None:
            return at_ms
        return min(at_ms, spoken_ms + self._offset_ms)

    def expect(self, phrases: Sequence[str]) -> None:
        """From the next utterance on, these phrases are expected."""
        self._relay.expect(phrases)

    async def set_language(self, language: str) -> None:
        """As `Relay.set_language`."""
        await self._relay.set_language(language)

    async def run(self, on_event: Callable[[SttEvent], None]) -> None:
        """As `Relay.run`."""
        await self._relay.run(on_event)

    def close(self) -> None:
        """Stop listening and give back the place in the VAD."""
        self._vad.close()

    def _heard_speech(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._relay.speech_started(event.at_ms)
        else:
            self._relay.speech_stopped(event.at_ms)
        self._event_offset_ms = self._offset_ms
        self._event_fed_ms = self._relay.fed_ms
        self._on_speech(event, self._offset_ms)
