"""PURE: the caller's steps, frame by frame.

Every 20 ms the caller is told what the line sounds like and says what to do in that frame. The
steps go on where they were when the call gets another stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .clip import Clip
from .playback import ULAW_SILENCE
from .speech import FRAME_BYTES, FRAME_MS
from .steps import HangUp, Lose, Play, Press, SpeakOver, Step, Wait, WaitForBot

__all__ = ["SILENT_FRAME", "Caller", "Deed", "Sight"]

SILENT_FRAME = ULAW_SILENCE * FRAME_BYTES

# A bot has finished when this much silence followed its speech.
_FINISHED_MS = 1_000
# And it is no longer "speaking" after this much, which is longer than a pause between sentences.
_PAUSE_MS = 400
# Some bots send silence for ever; audio that is queued is then no sign of more speech.
_ONLY_SILENCE_MS = 5_000
_KEY_MS = 200


@dataclass(frozen=True, slots=True)
class Sight:
    """What the caller notices in one frame.

    Attributes:
        speaking: whether the bot's speech is being played.
        queued: whether audio is still waiting in the play-out buffer.
        clears: how many times the worker has cleared so far.
    """

    speaking: bool
    queued: bool
    clears: int


@dataclass(frozen=True, slots=True)
class Deed:
    """What the caller does in one frame.

    Attributes:
        audio: the frame to send.
        clip: the clip this frame belongs to; None while silent.
        digit: a key to press.
        ending: the stream is to be lost, or the call to be ended, instead of sending the frame.
    """

    audio: bytes = SILENT_FRAME
    clip: Clip | None = None
    digit: str | None = None
    ending: Lose | HangUp | None = None


class Caller:
    """Works through `steps`, then hangs up."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        self._elapsed_ms = 0
        self._offset = 0
        self._ear = _Ear()
        self._begun = False
        self.done = 0

    @property
    def remaining(self) -> int:
        """How many steps have not been finished."""
        return len(self._steps) - self.done

    @property
    def step(self) -> Step:
        """The step at hand; a hang-up when all are done."""
        return self._steps[self.done] if self.remaining else HangUp()

    def tick(self, sight: Sight) -> Deed:
        """Do one frame."""
        self._ear.hear(sight)
        while True:
            if (deed := self._act(self.step)) is not None:
                self._elapsed_ms += FRAME_MS
                return deed
            self._finish()

    def _finish(self) -> None:
        self.done += 1
        self._elapsed_ms = 0
        self._offset = 0
        self._begun = False
        self._ear.begin_step()

    def _act(self, step: Step) -> Deed | None:
        """What this step does in this frame; None when the step is over before it."""
        if isinstance(step, Play):
            return self._speak(step.clip)
        if isinstance(step, SpeakOver):
            self._begun = self._begun or self._may_speak_over(step)
            return self._speak(step.clip) if self._begun else Deed()
        if isinstance(step, WaitForBot):
            late = not self._ear.spoke and self._elapsed_ms >= step.timeout_ms
            return None if self._ear.finished or late else Deed()
        if isinstance(step, Wait):
            return Deed() if self._elapsed_ms < step.ms else None
        if isinstance(step, Press):
            return self._press(step.digits)
        if self.remaining:
            # Done with at once: when the call has another stream, the next step is at hand.
            self._finish()
        return Deed(ending=step)

    def _speak(self, clip: Clip) -> Deed | None:
        audio = clip.audio[self._offset : self._offset + FRAME_BYTES]
        if not audio:
            return None
        self._offset += FRAME_BYTES
        return Deed(audio.ljust(FRAME_BYTES, ULAW_SILENCE), clip)

    def _press(self, digits: str) -> Deed | None:
        number, rest = divmod(self._elapsed_ms, _KEY_MS)
        if number >= len(digits):
            return None
        return Deed(digit=digits[number]) if rest == 0 else Deed()

    def _may_speak_over(self, step: SpeakOver) -> bool:
        ear = self._ear
        if ear.speech_ms >= step.after_ms and ear.busy:
            return True
        return ear.stopped or (not ear.busy and self._elapsed_ms >= step.timeout_ms)


class _Ear:
    """How long the bot has been speaking or quiet, and whether it spoke since the step began."""

    def __init__(self) -> None:
        self.speech_ms = 0
        self.spoke = False
        self._quiet_ms = _FINISHED_MS
        self._queued = False
        self._clears = 0

    @property
    def busy(self) -> bool:
        """Whether the bot is speaking, or pausing for a moment."""
        return self.speech_ms > 0

    @property
    def stopped(self) -> bool:
        """Whether the bot has spoken in this step and is no longer speaking."""
        return self.spoke and not self.busy

    @property
    def finished(self) -> bool:
        """Whether the bot has spoken in this step and said all that it had to say."""
        enough_ms = _ONLY_SILENCE_MS if self._queued else _FINISHED_MS
        return self.spoke and self._quiet_ms >= enough_ms

    def begin_step(self) -> None:
        # Speech that began in the step before, and goes on, is what this step waits for too.
        self.spoke = self.busy

    def hear(self, sight: Sight) -> None:
        self._queued = sight.queued
        if sight.clears > self._clears:
            # What was cleared is no answer: one is still to come.
            self._clears = sight.clears
            self.spoke = False
            self.speech_ms = 0
        if sight.speaking:
            self.spoke = True
            self._quiet_ms = 0
        else:
            self._quiet_ms += FRAME_MS
        patience_ms = _ONLY_SILENCE_MS if sight.queued else _PAUSE_MS
        if sight.speaking or (self.busy and self._quiet_ms < patience_ms):
            self.speech_ms += FRAME_MS
        else:
            self.speech_ms = 0
