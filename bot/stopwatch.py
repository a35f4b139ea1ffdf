"""PURE: how long a caller waits: for an answer, and for the bot to fall silent."""

from __future__ import annotations

from bot.parts import Counts, Latency

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measures one stream into its counts. Times are those of the call's clock, in ms.

    Args:
        counts: where measurements go.
        barge_in_ms: so much speech interrupts the bot.
    """

    def __init__(self, counts: Counts, barge_in_ms: float) -> None:
        self._counts = counts
        self._barge_in_ms = barge_in_ms
        self._finished_ms: tuple[float, float] | None = None
        self._voice_ms: float | None = None
        self._decided_ms: float | None = None

    def finished(self, end_ms: float, now_ms: float) -> None:
        """A turn is finished, whose last speech was at `end_ms`."""
        self._finished_ms = end_ms, now_ms

    def answered(self, now_ms: float) -> None:
        """The first audio of an answer is sent."""
        if self._finished_ms is not None:
            end_ms, finished_ms = self._finished_ms
            self._counts.latencies.append(Latency(finished_ms - end_ms, now_ms - finished_ms))
        self.forget()

    def forget(self) -> None:
        """No answer is waited for any more."""
        self._finished_ms = None

    def voice(self, now_ms: float | None) -> None:
        """The VAD tells that the caller speaks; None, that nobody does."""
        self._voice_ms = now_ms

    def decided(self, speech_ms: float, now_ms: float) -> None:
        """Speech that began at `speech_ms` has interrupted the bot, and `clear` is to be sent.

        That was decided when the VAD told of the speech, or later, when there was enough of it.
        """
        if self._voice_ms is not None:
            enough_ms = speech_ms + self._barge_in_ms
            self._decided_ms = min(max(self._voice_ms, enough_ms), now_ms)

    def decision(self) -> float | None:
        """When it was decided that what is to be sent now clears the bot's words; None if not."""
        decided_ms, self._decided_ms = self._decided_ms, None
        return decided_ms

    def cleared(self, decided_ms: float | None, now_ms: float) -> None:
        """What was decided then is sent."""
        if decided_ms is not None:
            self._counts.barge_ins_ms.append(now_ms - decided_ms)
