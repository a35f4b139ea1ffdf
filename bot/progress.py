"""PURE: where a conversation stands, beyond what was said: what another worker needs to go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bot.dialog.types import Gather, SetLanguage, Turn
from bot.record import Record, known_fields
from bot.telephony.pending import Leaving, dump_pending, load_pending
from bot.voicemail import Stage

__all__ = ["Gathering", "Progress"]


@dataclass(slots=True)
class Gathering:
    """A `Gather` in progress, and the keys that were pressed for it."""

    gather: Gather
    pressed: str = ""


@dataclass(slots=True)
class Progress:
    """What is under way in a conversation.

    Attributes:
        turns: how many turns were handed to the dialog.
        open_turn: a finished turn that the dialog has not answered whole.
        open_keys: keys, as `on_dtmf` gets them, that it has not answered whole.
        state_before: while a hook answers one of these, `call.state` as it was before.
        planned: the action with which the reply being spoken ends.
        speaking_from_ms: since when the caller speaks, on the call's clock.
        gathering: the keys that are being collected.
        expected: what the recognizer was told to expect.
        speaks: the language and voice that the dialog chose last; None while it chose none.
        voicemail: how far the bot has got with a machine that has answered; None with a human.
        message_left: such a machine has taken the campaign's message.
    """

    turns: int = 0
    open_turn: Turn | None = None
    open_keys: list[str] = field(default_factory=list)
    state_before: dict[str, Any] | None = None
    planned: Leaving | None = None
    speaking_from_ms: int | None = None
    gathering: Gathering | None = None
    expected: tuple[str, ...] = ()
    speaks: SetLanguage | None = None
    voicemail: Stage | None = None
    message_left: bool = False

    @classmethod
    def of(cls, record: Record) -> Progress:
        """Where the conversation of a record stands."""
        turn, gathering, speaks = record.open_turn, record.gathering, record.speaks
        return cls(
            # A call that an earlier version of Parley has begun did not count.
            turns=max(record.turns, sum(entry.role == "caller" for entry in record.history)),
            open_turn=None if turn is None else Turn(**known_fields(Turn, turn)),
            open_keys=list(record.open_keys),
            planned=load_pending(record.planned),
            speaking_from_ms=record.speaking_from_ms,
            gathering=None if gathering is None else _gathering(gathering),
            expected=tuple(record.expected),
            speaks=None if speaks is None else SetLanguage(**known_fields(SetLanguage, speaks)),
            voicemail=record.voicemail,
            message_left=record.message_left,
        )

    def note(self, record: Record) -> None:
        """Put it into the record; not the state, which is the keeper's to put there."""
        record.turns = self.turns
        record.open_turn = None if self.open_turn is None else asdict(self.open_turn)
        record.open_keys = list(self.open_keys)
        record.planned = None if self.planned is None else dump_pending(self.planned)
        record.speaking_from_ms = self.speaking_from_ms
        gathering = self.gathering
        record.gathering = (
            None
            if gathering is None
            else {**asdict(gathering.gather), "pressed": gathering.pressed}
        )
        record.expected = list(self.expected)
        record.speaks = None if self.speaks is None else asdict(self.speaks)
        record.voicemail = self.voicemail
        record.message_left = self.message_left


def _gathering(values: dict[str, Any]) -> Gathering:
    return Gathering(Gather(**known_fields(Gather, values)), values.get("pressed", ""))
