"""A machine at the other end of a call: what `bot.voicemail` decides is carried out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Protocol

import structlog

from bot.dialog import Call, HistoryEntry
from bot.parts import Keeper
from bot.progress import Progress
from bot.resuming import take_unheard
from bot.voicemail import (
    Hush,
    Leave,
    LeaveMessage,
    Voicemail,
    VoicemailCommand,
    VoicemailPolicy,
)
from media.audio import Samples
from media.vad import SpeechEvent, SpeechStarted

__all__ = ["Floor", "Machine"]

log = structlog.get_logger(__name__)

LEFT_SHARE = 0.8
"""A message of which so much was heard is left, though the machine has hung up on the rest."""


class Floor(Protocol):
    """The call whose floor a machine takes away."""

    def now_ms(self) -> float:
        """The call's clock."""

    @property
    def unwanted(self) -> bool:
        """Whether a person has asked for no more calls: it is no machine then."""

    def hush(self) -> None:
        """Stop talking, and take nothing that is heard from now on for a turn."""

    def recite(self, text: str, reason: str) -> None:
        """Say it to its end, and hang up for this reason."""

    def hang_up(self, reason: str) -> None:
        """Hang up for this reason."""


class Machine:
    """Finds out whether a machine has answered, and deals with it.

    Args:
        policy: what it gets.
        call: whose history tells what was heard.
        floor: the call's stream.
        progress: kept up to date here.
        keeper: what saves it.
    """

    def __init__(
        self,
        policy: VoicemailPolicy | None,
        call: Call,
        floor: Floor,
        progress: Progress,
        keeper: Keeper,
    ) -> None:
        self._message = policy.message or "" if policy is not None else ""
        self._call = call
        self._floor = floor
        self._progress = progress
        self._keeper = keeper
        self._said = ""
        self._spared = False
        self._voicemail = Voicemail(policy, self._turns, progress.voicemail)

    @property
    def here(self) -> bool:
        """Whether a machine has answered, so that nothing that is heard is anybody's turn."""
        return self._voicemail.stage is not None

    @property
    def waits(self) -> bool:
        """Whether the machine's greeting is being waited out."""
        return self._voicemail.stage == "waiting"

    @property
    def listens(self) -> bool:
        """Whether there is anything to be learnt from `hear`."""
        return self._voicemail.listens

    @property
    def deadline_ms(self) -> float:
        """When `tick` is due."""
        return self._voicemail.deadline_ms()

    def begin(self, answered_by: str | None) -> bool:
        """The stream has begun; whether it goes on without the dialog."""
        self._obey(self._voicemail.begin(answered_by, self._floor.now_ms()))
        return self.here or self._spared

    def spare(self) -> None:
        """It is a person, who has asked for no more calls and is being answered."""
        self._spared = True
        self._said = ""
        self._voicemail.spare()
        self._note()

    def answered(self, answered_by: str) -> None:
        """Twilio says what has answered."""
        self._obey(self._voicemail.answered(answered_by, self._floor.now_ms()))

    def hear(self, samples: Samples) -> None:
        """The next samples (8 kHz) of what answered."""
        self._obey(self._voicemail.hear(samples, self._floor.now_ms()))

    def speech(self, event: SpeechEvent, offset_ms: float) -> None:
        """It spoke or fell silent; `offset_ms` turns the event's times into the call's."""
        if isinstance(event, SpeechStarted):
            self._voicemail.speech_started(event.at_ms + offset_ms)
        else:
            self._voicemail.speech_stopped(event.at_ms + offset_ms)

    def tick(self, now_ms: float) -> None:
        """Do what is due."""
        self._obey(self._voicemail.tick(now_ms))

    def settle(self) -> None:
        """Note whether the message is left, from what was heard of it by now."""
        if not self._said:
            return
        heard = _letters(self._spoken.heard) if self._spoken is not None else ""
        said = _letters(self._said)
        enough = len(said) - len(heard) <= (1 - LEFT_SHARE) * len(_letters(self._message))
        if said.startswith(heard) and enough:
            self._progress.message_left = True

    @property
    def _spoken(self) -> HistoryEntry | None:
        """What the bot said last, if it was the last to speak."""
        last = self._call.history[-1] if self._call.history else None
        return last if last is not None and last.role == "bot" else None

    def _obey(self, commands: Iterable[VoicemailCommand]) -> None:
        for command in commands:
            match command:
                case Hush() if self._floor.unwanted:
                    self._voicemail.spare()
                    self._note()
                    return
                case Hush():
                    self._said = ""
                    self._floor.hush()
                    if not self.here:
                        return
                case LeaveMessage(resumed):
                    self._leave_message(self._rest() if resumed else self._message)
                case Leave(reason):
                    self._floor.hang_up(reason)
            self._note()

    def _note(self) -> None:
        stage = self._voicemail.stage
        if self._progress.voicemail == stage:
            return
        self._progress.voicemail = stage
        log.info("no machine after all" if stage is None else "a machine has answered", stage=stage)
        self._keeper.note("voicemail", stage=stage, stream_ms=round(self._floor.now_ms()))
        self._keeper.save()

    def _leave_message(self, text: str) -> None:
        if text:
            self._said = text
            self._floor.recite(text, "voicemail")
        else:
            # All of it was heard before; unless nobody knows here what the message is.
            self._progress.message_left |= bool(self._message)
            self._floor.hang_up("voicemail")

    def _rest(self) -> str:
        """What was not heard of the message before an earlier stream of the call was lost."""
        spoken = self._spoken
        if spoken is None or not _letters(self._message).endswith(_letters(spoken.text)):
            return self._message
        return take_unheard(self._call.history)

    def _turns(self) -> int:
        """How many turns the dialog has answered whole, undisturbed: no greeting allows that."""
        history = self._call.history
        return sum(
            asked.role == "caller"
            and answer.role == "bot"
            and answer.heard == answer.text
            and not answer.interrupted
            for asked, answer in pairwise(history)
        )


def _letters(text: str) -> str:
    """A text without its spaces, which the voice's sentences do not keep."""
    return "".join(text.split())
