"""The file of a `script` dialog: what may stand in it, read and checked as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.numbers import PhoneNumber

from .slots import DAYS, DaySlot, ListSlot, NumberSlot, Slot, TimeSlot, YesNoSlot
from .toml_file import read_file
from .types import MAX_CALL_BACK_S

__all__ = ["Option", "Outcome", "ScriptFile", "State", "read_script"]

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def _listed(value: Any) -> Any:
    """One text may be written without the brackets of a list."""
    return [value] if isinstance(value, str) else value


def _outcome(value: Any) -> Any:
    """The name of a state is short for going there."""
    return {"go": value} if isinstance(value, str) else value


def _typed(value: Any) -> Any:
    """`day = "day"` is short for a slot without settings; a list is a list slot."""
    if isinstance(value, str):
        return {"type": value}
    return {"type": "list", "values": value} if isinstance(value, list) else value


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], BeforeValidator(_listed)]
Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Clock = Annotated[str, Field(pattern=f"^{_CLOCK.pattern}$")]
Name = Annotated[str, Field(pattern=r"^\w+$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Outcome(_Table):
    """What follows an answer: values are set, something is said, and the call goes on or ends.

    Without `go`, `hangup` and `transfer` the state stays.
    """

    set: dict[Name, str] = {}
    do_not_call: bool = False
    call_back_s: Annotated[int, Field(ge=1, le=MAX_CALL_BACK_S)] | None = None
    say: Texts = []
    go: str | None = None
    hangup: bool = False
    transfer: PhoneNumber | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum((self.go is not None, self.hangup, self.transfer is not None)) > 1:
            raise ValueError("write one of `go`, `hangup` and `transfer`, not several")
        return self


class Option(Outcome):
    """Something that the caller may say, and what follows."""

    phrases: Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1)]
    keywords: Texts = []


Outcomes = dict[Key, Annotated[Outcome, BeforeValidator(_outcome)]]


class _Prompts(_Table):
    """What a state may have, and the script for all states that do not."""

    fallback: Texts = []
    idle: Texts = []
    max_tries: Annotated[int, Field(ge=1)] | None = None
    give_up: Annotated[Outcome, BeforeValidator(_outcome)] | None = None
    dtmf: Outcomes = {}


class State(_Prompts):
    """One state: what is said on entry, and either what is expected then or how the call ends."""

    say: Texts = []
    retry: Texts = []
    expect: list[Option] = []
    hangup: bool = False
    transfer: PhoneNumber | None = None

    @model_validator(mode="after")
    def _going_on_or_ending(self) -> Self:
        ends = self.hangup + (self.transfer is not None)
        if ends > 1:
            raise ValueError("write one of `hangup` and `transfer`, not both")
        if ends and (self.expect or self.dtmf):
            raise ValueError("a state with `hangup` or `transfer` has no `expect` and no `dtmf`")
        if not ends and not self.expect and not self.dtmf:
            raise ValueError("add `expect`, `dtmf`, `hangup = true` or `transfer`: nothing follows")
        return self

    @property
    def ends(self) -> bool:
        return self.hangup or self.transfer is not None


class _SlotTable(_Table):
    """A slot: its type and the settings of that type."""

    type: Literal["day", "time", "number", "yes_no", "list"]
    values: dict[Text, Texts] | list[Text] | None = None
    first: Clock = "0:00"
    last: Clock = "23:59"
    step_min: Annotated[int, Field(ge=5, le=720)] = 30
    least: Annotated[int, Field(ge=0, le=9_999)] = 0
    most: Annotated[int, Field(ge=0, le=9_999)] = 20

    @model_validator(mode="after")
    def _settings_of_the_type(self) -> Self:
        allowed = {
            "day": {"values"},
            "time": {"first", "last", "step_min"},
            "number": {"least", "most"},
            "yes_no": set(),
            "list": {"values"},
        }[self.type]
        foreign = self.model_fields_set - allowed - {"type"}
        if foreign:
            raise ValueError(f"a slot of type {self.type} has no {', '.join(sorted(foreign))}")
        if self.type == "list" and not self.values:
            raise ValueError("a slot of type list needs `values`")
        if self.type == "day" and self.values is not None and not set(self.values) <= set(DAYS):
            raise ValueError(f"the values of a day may be: {', '.join(DAYS)}")
        if self.least > self.most or _minutes(self.first) > _minutes(self.last):
            raise ValueError("it ends before it begins")
        return self

    def slot(self) -> Slot:
        if self.type == "day":
            return DaySlot(tuple(self.values) if self.values else DAYS)
        if self.type == "time":
            return TimeSlot(_minutes(self.first), _minutes(self.last), self.step_min)
        if self.type == "number":
            return NumberSlot(self.least, self.most)
        if self.type == "yes_no":
            return YesNoSlot()
        values = self.values or {}
        said = values if isinstance(values, dict) else {value: [value] for value in values}
        return ListSlot({value: tuple(phrases) for value, phrases in said.items()})


class ScriptFile(_Prompts):
    """The whole file."""

    start: str
    parameters: dict[Name, str] = {}
    slots: dict[Name, Annotated[_SlotTable, BeforeValidator(_typed)]] = {}
    everywhere: list[Option] = []
    states: Annotated[dict[Name, State], Field(min_length=1)]


def read_script(path: Path) -> ScriptFile:
    """The script in the TOML file `path`.

    Raises:
        DialogError: the file cannot be read, is no TOML, or holds something that does not belong
            there; the message has the file, the key and what to change.
    """
    return read_file(path, ScriptFile, "script")


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
