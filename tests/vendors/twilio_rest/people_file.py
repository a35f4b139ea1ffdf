"""Who is called, as a TOML file says::

    [default]                     # everybody who has no table of their own
    does = "no_answer"

    [crowd]                       # or instead: by chance, always the same for one seed
    seed = 7
    light = true                  # no audio: for many calls
    shares = { answers = 6, no_answer = 2, busy = 1, machine = 1 }

    [people."+15550100001"]
    does = "answers"              # hangs_up, no_answer, busy, failed, unreachable, machine, fax
    ring_ms = 1500
    steps = [{ wait_for_bot = true }, { play = "yes.ulaw" }, { wait_for_bot = true }]

    [[people."+15550100002"]]     # the first call
    does = "busy"
    [[people."+15550100002"]]     # the second and all later ones
    does = "machine"
    greeting = ["hello.ulaw"]     # without it, a greeting of ours
    beep = "beep.ulaw"            # false: it has none

`steps` are those of `parley call --steps` (`bot.phone.steps`); files are looked up beside this one.
A person may further have `light`, `light_ms`, `verdict`, `verdict_ms` and `code`; a crowd `ring_ms`
and `light_ms` (`.people` says what they mean).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.numbers import PhoneNumber
from bot.phone.clip import ClipError, load_clip
from bot.phone.steps import Step, StepsError, read_steps

from .people import Crowd, Does, People, Person, machine, usual
from .sounds import BEEP

__all__ = ["PeopleError", "load_people"]

_Ms = Annotated[int, Field(ge=0, le=3_600_000)]


class PeopleError(Exception):
    """A file that cannot be used; the message says what to change."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Person(_Table):
    does: Does = "answers"
    steps: list[dict[str, Any]] | None = None
    greeting: list[str] | None = None
    beep: str | Literal[False] | None = None
    ring_ms: _Ms | None = None
    light: bool | None = None
    light_ms: _Ms | None = None
    verdict: str | None = None
    verdict_ms: _Ms | None = None
    code: int | None = None

    def read(self, folder: Path) -> Person:
        person = usual(self.does)
        if self.does == "machine":
            person = self._machine(person, folder)
        given = self.model_dump(exclude_none=True, exclude={"does", "steps", "greeting", "beep"})
        steps: tuple[Step, ...] = person.steps
        if self.steps is not None:
            steps = read_steps(self.steps, folder)
        return replace(person, steps=steps, **given)

    def _machine(self, person: Person, folder: Path) -> Person:
        beep = BEEP if self.beep is None else None
        if self.beep:
            beep = load_clip(folder / self.beep)
        if self.greeting is None:
            return machine(beep=beep)
        return machine([load_clip(folder / name) for name in self.greeting], beep)


class _Crowd(_Table):
    seed: int = 0
    shares: dict[Does, Annotated[float, Field(ge=0)]] = Field(min_length=1)
    light: bool = False
    ring_ms: _Ms | None = None
    light_ms: _Ms | None = None


class _File(_Table):
    default: _Person | None = None
    crowd: _Crowd | None = None
    people: dict[PhoneNumber, _Person | Annotated[list[_Person], Field(min_length=1)]] = Field(
        default_factory=dict
    )


def load_people(path: Path) -> People:
    """Read a file of people and the recordings that it names.

    Raises:
        PeopleError: it cannot be read.
    """
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        return _people(file, path.parent)
    except OSError as error:
        raise PeopleError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise PeopleError(f"{path}: {_first(error)}") from None
    except (ValueError, StepsError, ClipError) as error:
        raise PeopleError(f"{path}: {error}") from None


def _people(file: _File, folder: Path) -> People:
    if file.default is not None and file.crowd is not None:
        raise PeopleError("give [default] or [crowd], not both")
    others: Person | Crowd | None = None
    if file.default is not None:
        others = file.default.read(folder)
    elif file.crowd is not None:
        others = Crowd(**file.crowd.model_dump())
    known: Mapping[str, list[Person]] = {
        number: [item.read(folder) for item in (held if isinstance(held, list) else [held])]
        for number, held in file.people.items()
    }
    return People(known, others)


def _first(error: ValidationError) -> str:
    (first, *_) = error.errors()
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"
