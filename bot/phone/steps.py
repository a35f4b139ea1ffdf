"""What the caller does, step by step, and the TOML file that says it.

Each table of `[[steps]]` is one step, named by its first key::

    play = "hello.ulaw"        # speak a .ulaw (8 kHz, headerless) or .wav file
    wait_for_bot = true        # until the bot has begun and finished; or so many ms at most
    wait_ms = 500              # be silent
    speak_over = "stop.ulaw"   # speak after the bot has spoken for `after_ms` (default 0)
    press = "12#"              # press keys: 0-9 * # A-D
    lose = "reset"             # lose the stream: "close", "reset", "silence", "refused", "timeout"
    hang_up = true

Files are looked up beside the steps file. When the steps are done the caller hangs up.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from .clip import Clip, ClipError, load_clip

__all__ = [
    "HangUp",
    "Lose",
    "LossKind",
    "Play",
    "Press",
    "SpeakOver",
    "Step",
    "StepsError",
    "Wait",
    "WaitForBot",
    "default_steps",
    "load_steps",
    "read_steps",
]

LossKind = Literal["close", "reset", "silence", "refused", "timeout"]

GREETING_TIMEOUT_MS = 5_000
REPLY_TIMEOUT_MS = 10_000
_LASTS_MS = {"silence": 5_000, "timeout": 2_000}
_LONGEST_MS = 3_600_000
_KEYS = re.compile(r"[0-9*#A-D]{1,64}")


class StepsError(Exception):
    """A steps file that cannot be used; the message says which step and what to change."""


@dataclass(frozen=True, slots=True)
class Play:
    """Speak."""

    clip: Clip


@dataclass(frozen=True, slots=True)
class WaitForBot:
    """Wait until the bot has begun to speak and has finished.

    Finished means that all its audio was played and a second of silence followed. When the bot has
    not begun after `timeout_ms`, go on.
    """

    timeout_ms: int = REPLY_TIMEOUT_MS


@dataclass(frozen=True, slots=True)
class Wait:
    """Be silent for `ms`."""

    ms: int


@dataclass(frozen=True, slots=True)
class SpeakOver:
    """Speak when the bot has been speaking for `after_ms`, or stopped before, or never began."""

    clip: Clip
    after_ms: int = 0
    timeout_ms: int = REPLY_TIMEOUT_MS


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, five a second."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lose:
    """Lose the stream, not the call.

    `close` closes the socket without `stop`, `reset` resets it. `silence` sends, reads and answers
    nothing for `for_ms` (default 5000) and resets it then. `refused` and `timeout` reset it, and
    the next handshake fails too: it is refused (31902), or has no answer for `for_ms` (default
    2000; 31901).
    """

    how: LossKind
    for_ms: int | None = None

    @property
    def lasts_ms(self) -> int:
        """`for_ms` or its default; 0 for what takes no time."""
        return _LASTS_MS.get(self.how, 0) if self.for_ms is None else self.for_ms


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Step = Play | WaitForBot | Wait | SpeakOver | Press | Lose | HangUp


def default_steps(clips: Iterable[Clip]) -> tuple[Step, ...]:
    """Hear the greeting, then speak each clip and hear its reply, then hang up."""
    steps: list[Step] = [WaitForBot(GREETING_TIMEOUT_MS)]
    for clip in clips:
        steps += [Play(clip), WaitForBot()]
    return (*steps, HangUp())


def load_steps(path: Path) -> tuple[Step, ...]:
    """Read a steps file and the recordings it names.

    Raises:
        StepsError: the file, a step or a recording cannot be read.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepsError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise StepsError(f"{path}: not TOML: {error}") from None
    if set(document) != {"steps"}:
        raise StepsError(f"{path}: it must hold [[steps]] tables and nothing else")
    try:
        return read_steps(document["steps"], path.parent)
    except StepsError as error:
        raise StepsError(f"{path}: {error}") from None


def read_steps(tables: object, folder: Path) -> tuple[Step, ...]:
    """Read the tables of a TOML file, and the recordings that they name, from `folder`.

    Raises:
        StepsError: a step or a recording cannot be read.
    """
    if not isinstance(tables, list) or not tables:
        raise StepsError("it must hold [[steps]] tables and nothing else")
    steps = []
    for number, table in enumerate(tables, 1):
        try:
            steps.append(_step(table, folder))
        except (StepsError, ClipError) as error:
            raise StepsError(f"step {number}: {error}") from None
    return tuple(steps)


class _Table:
    """One step's table; what is not asked for is an error in the end."""

    def __init__(self, table: Mapping[str, Any], folder: Path) -> None:
        self.table = dict(table)
        self.folder = folder

    def ms(self, key: str, default: int | None = None) -> int:
        value = self.table.pop(key, default)
        if type(value) is not int or not 0 <= value <= _LONGEST_MS:
            raise StepsError(f"{key} held {value!r}; it must be milliseconds, 0 to {_LONGEST_MS}")
        return value

    def text(self, key: str) -> str:
        value = self.table.pop(key)
        if not isinstance(value, str):
            raise StepsError(f"{key} held {value!r}; it must be a string")
        return value

    def clip(self, key: str) -> Clip:
        return load_clip(self.folder / self.text(key))

    def true(self, key: str) -> None:
        if self.table.pop(key) is not True:
            raise StepsError(f"{key} must be true")


def _press(table: _Table) -> Step:
    digits = table.text("press")
    if not _KEYS.fullmatch(digits):
        raise StepsError("press must be 1 to 64 keys of 0-9 * # A-D")
    return Press(digits)


def _lose(table: _Table) -> Step:
    how = table.text("lose")
    kinds = get_args(LossKind)
    if how not in kinds:
        raise StepsError(f"lose held {how!r}; it must be one of {', '.join(kinds)}")
    for_ms = table.ms("for_ms") if how in _LASTS_MS and "for_ms" in table.table else None
    return Lose(cast(LossKind, how), for_ms)


def _hang_up(table: _Table) -> Step:
    table.true("hang_up")
    return HangUp()


def _speak_over(table: _Table) -> Step:
    clip = table.clip("speak_over")
    return SpeakOver(clip, table.ms("after_ms", 0), table.ms("timeout_ms", REPLY_TIMEOUT_MS))


def _wait_for_bot(table: _Table) -> Step:
    if table.table["wait_for_bot"] is True:
        table.true("wait_for_bot")
        return WaitForBot()
    return WaitForBot(table.ms("wait_for_bot"))


_READERS: dict[str, Callable[[_Table], Step]] = {
    "play": lambda table: Play(table.clip("play")),
    "wait_for_bot": _wait_for_bot,
    "wait_ms": lambda table: Wait(table.ms("wait_ms")),
    "speak_over": _speak_over,
    "press": _press,
    "lose": _lose,
    "hang_up": _hang_up,
}


def _step(table: object, folder: Path) -> Step:
    if not isinstance(table, dict):
        raise StepsError("it must be a table")
    kinds = [key for key in table if key in _READERS]
    if len(kinds) != 1:
        raise StepsError(f"it must have exactly one of {', '.join(_READERS)}")
    reading = _Table(table, folder)
    step = _READERS[kinds[0]](reading)
    if reading.table:
        raise StepsError(f"{kinds[0]} takes no {', '.join(map(repr, reading.table))}")
    return step
