"""PURE: what to do about a machine that answers a campaign's call: leave, or leave a message.

What is known comes from Twilio's machine detection and from our own ears: the beep, and the voice
activity. Facts come in through methods, with the time in milliseconds on the call's clock; commands
come out. `deadline_ms` says when `tick` is due even if nothing happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from media.audio import Samples
from media.beep import Beep, BeepDetector

__all__ = [
    "PATIENCE_MS",
    "Hush",
    "Leave",
    "LeaveMessage",
    "Stage",
    "Voicemail",
    "VoicemailCommand",
    "VoicemailPolicy",
]

EARS_MS = 60_000.0
"""A beep tells of a machine within so long after the call's first stream began."""
TALKED_TURNS = 2
"""With whom the dialog has had so many turns it has a conversation, whatever Twilio says, or beeps,
later.

That is answers heard whole, for here a call is taken from the dialog. Afterwards, where nothing is
lost by doubt, what the person has said is enough (`CONVERSATION_TURNS` in `bot.campaign.outcome`).
"""
MONOLOGUE_MS = 4_500.0
PAUSE_MS = 800.0
"""Speech is one monologue when nobody pauses for longer in it."""
BEFORE_BEEP_MS = 2_500.0
"""A greeting's last word is at most so long before its beep."""
SILENCE_MS = 2_000.0
"""After so much silence a machine's greeting is over, beep or not."""
PATIENCE_MS = 60_000.0
"""A machine that has not come to an end by then never will."""
AGAIN_MS = 10_000.0
"""A beep in the first seconds of a message is that of the greeting, which was not over yet; so is
speech, for a mailbox does not talk back."""
GOES_ON_MS = 1_000.0
"""Such speech is that long: less is a click, or our own voice come back."""

Stage = Literal["waiting", "message", "over"]
"""How far the bot has got with a machine: it waits for the greeting's end, it leaves the message,
or it has done with it."""


@dataclass(frozen=True, slots=True)
class VoicemailPolicy:
    """What a campaign wants of a machine that answers, as its spec says.

    Attributes:
        policy: the spec's `voicemail`: what a machine gets.
        message_after: who says that its greeting is over.
        message: what is left; None unless the policy is `leave_message`.
    """

    policy: Literal["hang_up", "leave_message", "talk"]
    message_after: Literal["stream", "twilio", "both"] = "both"
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop talking and listen: from now on nothing that is heard is anybody's turn."""


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """Leave the message now, then hang up; `resumed` from where an earlier stream of the call was
    lost."""

    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Hang up, for this reason."""

    reason: str


VoicemailCommand = Hush | LeaveMessage | Leave


class Voicemail:
    """The state machine. Every method returns the commands that follow, in order.

    Until a machine is recognized the call is the dialog's; afterwards (`stage`) it is ours.

    Args:
        policy: None for a call that nobody dialled for a campaign: it stays the dialog's.
        turns: how many turns the dialog has had, answer and all.
        stage: how far an earlier stream of the call has got.
    """

    def __init__(
        self, policy: VoicemailPolicy | None, turns: Callable[[], int], stage: Stage | None = None
    ) -> None:
        self._policy = policy or VoicemailPolicy("talk")
        self._turns = turns
        self.stage = stage
        self._ears = self._policy.policy != "talk" and self._policy.message_after != "twilio"
        self._detector: BeepDetector | None = BeepDetector() if self._ears else None
        self._speaking = False
        self._speech_from_ms = self._speech_to_ms = -math.inf
        self._waits_from_ms = 0.0
        self._patience_until_ms = math.inf
        self._message_from_ms = 0.0
        self._again_until_ms = -math.inf

    @property
    def listens(self) -> bool:
        """Whether `hear` has anything to listen for."""
        return self._detector is not None

    def spare(self) -> None:
        """It is a person, whatever is heard, or said by Twilio, from now on."""
        self._policy = VoicemailPolicy("talk")
        self.stage = self._detector = None

    def begin(self, answered_by: str | None, now_ms: float) -> list[VoicemailCommand]:
        """A stream has begun; `answered_by` is what Twilio has said so far."""
        if self.stage is not None and not self._policy.message:
            # Nobody here knows what the campaign wants to be left.
            return self._leave("voicemail")
        match self.stage:
            case "waiting":
                waiting = self._wait(now_ms)
                return waiting + (self.answered(answered_by, now_ms) if answered_by else [])
            case "message":
                return [Hush(), LeaveMessage(resumed=True)]
            case "over":
                return [Hush(), Leave("voicemail")]
        return [] if answered_by is None else self.answered(answered_by, now_ms)

    def answered(self, answered_by: str, now_ms: float) -> list[VoicemailCommand]:
        """Twilio says what has answered, as `AnsweredBy` has it.

        Source: https://www.twilio.com/docs/voice/answering-machine-detection
        """
        greeted = answered_by.startswith("machine_end_")
        if self.stage == "waiting" and greeted and self._policy.message_after != "stream":
            return self._speak(now_ms, by_beep=answered_by == "machine_end_beep")
        if answered_by == "human":
            self._detector = None
        if self.stage is not None or self._policy.policy == "talk" or self._turns() >= TALKED_TURNS:
            return []
        if answered_by == "fax":
            return self._leave("fax")
        if not answered_by.startswith("machine_"):
            return []
        if self._policy.policy == "hang_up":
            return self._leave("voicemail")
        waiting = self._wait(now_ms)
        if greeted and self._policy.message_after != "stream":
            return waiting + self._speak(now_ms, by_beep=answered_by == "machine_end_beep")
        return waiting

    def hear(self, samples: Samples, now_ms: float) -> list[VoicemailCommand]:
        """The next samples (8 kHz) of what answered."""
        if self._detector is None:
            return []
        late = self.stage is None and now_ms >= EARS_MS
        if late or (self.stage == "message" and now_ms >= self._again_until_ms):
            self._detector = None
            return []
        beeps = self._detector.process(samples)
        return self._beep(beeps[-1], now_ms) if beeps else []

    def speech_started(self, at_ms: float) -> None:
        """What answered began to speak at `at_ms`."""
        self._speaking = True
        if at_ms - self._speech_to_ms > PAUSE_MS:
            self._speech_from_ms = at_ms

    def speech_stopped(self, at_ms: float) -> None:
        """It fell silent; `at_ms` is the end of the last speech."""
        self._speaking = False
        self._speech_to_ms = at_ms

    def tick(self, now_ms: float) -> list[VoicemailCommand]:
        """What is due at `now_ms`."""
        if now_ms < self.deadline_ms():
            return []
        if self.stage == "message":
            return self._wait(now_ms)
        if self._speaking:
            return self._leave("voicemail")
        return self._speak(now_ms, by_beep=False)

    def deadline_ms(self) -> float:
        """When `tick` is due at the latest; never (infinity) unless a greeting is waited out, or
        may go on."""
        if self.stage == "message":
            return self._goes_on_ms()
        if self.stage != "waiting":
            return math.inf
        late_ms = self._patience_until_ms
        if self._speaking or not self._ears:
            return late_ms
        return min(late_ms, max(self._speech_to_ms, self._waits_from_ms) + SILENCE_MS)

    def _goes_on_ms(self) -> float:
        """When speech in the first seconds of a message has lasted as long as a greeting's."""
        from_ms = max(self._speech_from_ms, self._message_from_ms)
        due_ms = from_ms + GOES_ON_MS
        goes_on = self._speaking and from_ms < self._again_until_ms
        return due_ms if goes_on and due_ms < self._patience_until_ms else math.inf

    def _beep(self, beep: Beep, now_ms: float) -> list[VoicemailCommand]:
        match self.stage:
            case None if self._is_machine(beep, now_ms):
                if self._policy.policy == "hang_up":
                    return self._leave("voicemail")
                return [*self._wait(now_ms), *self._speak(now_ms, by_beep=True)]
            case "waiting":
                return self._speak(now_ms, by_beep=True)
            case "message" if now_ms < self._again_until_ms:
                return self._speak(now_ms, by_beep=True)
        return []

    def _is_machine(self, beep: Beep, now_ms: float) -> bool:
        """Whether a beep is enough: of whom the dialog has answered once, only behind what nobody
        else would say; afterwards never, for people have microwaves too."""
        if beep.is_recorders:
            return False  # people who work on recorded lines hear it every few seconds
        turns = self._turns()
        if not turns:
            return True
        if turns >= TALKED_TURNS:
            return False
        # The detector tells a beep when it is over.
        from_ms = now_ms - (beep.end_ms - beep.start_ms)
        long = self._speech_to_ms - self._speech_from_ms >= MONOLOGUE_MS
        return long and from_ms - self._speech_to_ms <= BEFORE_BEEP_MS

    def _wait(self, now_ms: float) -> list[VoicemailCommand]:
        if self._patience_until_ms == math.inf:
            self._patience_until_ms = now_ms + PATIENCE_MS
        self.stage = "waiting"
        self._waits_from_ms = now_ms
        if self._ears and self._detector is None:
            self._detector = BeepDetector()
        return [Hush()]

    def _speak(self, now_ms: float, *, by_beep: bool) -> list[VoicemailCommand]:
        again: list[VoicemailCommand] = [Hush()] if self.stage == "message" else []
        self.stage = "message"
        self._message_from_ms = now_ms
        self._again_until_ms = -math.inf
        if by_beep:
            self._detector = None
        elif self._ears:
            self._again_until_ms = now_ms + AGAIN_MS
        return [*again, LeaveMessage()]

    def _leave(self, reason: str) -> list[VoicemailCommand]:
        self.stage = "over"
        self._detector = None
        return [Hush(), Leave(reason)]
