"""A script made ready: every phrase expanded, every reference checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .script_file import Option, Outcome, ScriptFile, State, read_script
from .script_match import Expected, Matcher
from .script_phrases import MAX_PHRASES, Phrase, PhraseError, expand
from .script_words import normalize
from .slots import Slot
from .types import DialogError

__all__ = ["BUILT_IN", "Compiled", "ReadyState", "compile_script"]

BUILT_IN = Path(__file__).parent
PLACEHOLDER = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class ReadyState:
    """A state with its options (the script's own last), its matcher and its phrases."""

    state: State
    options: tuple[Option, ...]
    matcher: Matcher
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A script ready to run."""

    file: ScriptFile
    states: Mapping[str, ReadyState]
    slots: Mapping[str, Slot]


def compile_script(path: Path) -> Compiled:
    """Read, check and expand the script `path`; a bare name, `booking`, is a built-in one.

    Raises:
        DialogError: what is wrong, with file, state and key.
    """
    if path.suffix == "" and not path.exists():
        path = BUILT_IN / f"{path.name}.toml" if path.parent == Path() else path
    file = read_script(path)
    slots = {name: table.slot() for name, table in file.slots.items()}
    try:
        _check_ways(file)
        _check_templates(file)
        everywhere = [
            _expected(option, slots, f"everywhere[{index}]")
            for index, option in enumerate(file.everywhere, 1)
        ]
        states = {
            name: _ready(name, state, file, everywhere, slots)
            for name, state in file.states.items()
        }
    except _Fault as fault:
        raise DialogError(f"script {path}: {fault}") from fault
    return Compiled(file, states, slots)


class _Fault(Exception):
    """Something in the file does not fit the rest of it; begins with the key."""


def _ready(
    name: str,
    state: State,
    file: ScriptFile,
    everywhere: list[Expected],
    slots: Mapping[str, Slot],
) -> ReadyState:
    key = f"states.{name}"
    own = [
        _expected(option, slots, f"{key}.expect[{index}]")
        for index, option in enumerate(state.expect, 1)
    ]
    _check_distinct(own, f"{key}.expect")
    options = [] if state.ends else own + everywhere
    phrases = dict.fromkeys(p.text for option in options for p in option.phrases)
    if len(phrases) > MAX_PHRASES:
        raise _Fault(
            f"{key}.expect: {len(phrases)} phrases in all, {MAX_PHRASES} are allowed: use fewer "
            "alternatives, or slots with fewer values"
        )
    return ReadyState(
        state,
        () if state.ends else (*state.expect, *file.everywhere),
        Matcher(options, len(own), slots),
        tuple(phrases),
    )


def _expected(option: Option, slots: Mapping[str, Slot], key: str) -> Expected:
    phrases: list[Phrase] = []
    for index, pattern in enumerate(option.phrases, 1):
        try:
            phrases += expand(pattern, slots)
        except PhraseError as error:
            raise _Fault(f"{key}.phrases[{index}] {pattern!r}: {error}") from error
    for index, keyword in enumerate(option.keywords, 1):
        if not normalize(keyword):
            raise _Fault(f"{key}.keywords[{index}] {keyword!r}: has no word in it")
    return Expected(tuple(phrases), tuple(option.keywords))


def _check_distinct(options: list[Expected], key: str) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for index, option in enumerate(options, 1):
        for phrase in option.phrases:
            first = seen.setdefault(normalize(phrase.text), index)
            if first != index:
                raise _Fault(
                    f"{key}[{index}]: {phrase.text!r} is said in {key}[{first}] too; "
                    "remove it from one of them"
                )


def _outcomes(file: ScriptFile) -> Iterator[tuple[str, str | None, Outcome]]:
    """Every outcome with its key and the state that it belongs to (None: all of them)."""
    for index, option in enumerate(file.everywhere, 1):
        yield f"everywhere[{index}]", None, option
    for digit, outcome in file.dtmf.items():
        yield f"dtmf.{digit}", None, outcome
    if file.give_up is not None:
        yield "give_up", None, file.give_up
    for name, state in file.states.items():
        for index, option in enumerate(state.expect, 1):
            yield f"states.{name}.expect[{index}]", name, option
        for digit, outcome in state.dtmf.items():
            yield f"states.{name}.dtmf.{digit}", name, outcome
        if state.give_up is not None:
            yield f"states.{name}.give_up", name, state.give_up


def _check_ways(file: ScriptFile) -> None:
    """Every `go` leads to a state, and every state is reached."""
    known = ", ".join(file.states)
    if file.start not in file.states:
        raise _Fault(f"start: there is no state {file.start!r}; the states are: {known}")
    ways: dict[str | None, set[str]] = {}
    for key, state, outcome in _outcomes(file):
        if outcome.go is None:
            continue
        if outcome.go not in file.states:
            raise _Fault(f"{key}.go: there is no state {outcome.go!r}; the states are: {known}")
        ways.setdefault(state, set()).add(outcome.go)
    reached: set[str] = set()
    coming = {file.start} | ways.get(None, set())
    while coming:
        reached |= coming
        coming = set().union(*(ways.get(name, set()) for name in coming)) - reached
    lost = [name for name in file.states if name not in reached]
    if lost:
        raise _Fault(f"states.{lost[0]}: no `go` leads there; add one, or remove the state")


def _check_templates(file: ScriptFile) -> None:
    """Every brace in what is said names something that can be known."""
    known = {*file.slots, *file.parameters}
    for _, _, outcome in _outcomes(file):
        known |= set(outcome.set)
    for key, texts in _templates(file):
        for index, text in enumerate(texts, 1):
            where = f"{key}[{index}] {text!r}"
            for name in PLACEHOLDER.findall(text):
                if name not in known:
                    names = ", ".join(sorted(known)) or "none"
                    raise _Fault(
                        f"{where}: {{{name}}} is no slot and no parameter, and never set; there"
                        f" are: {names}"
                    )
            if set("{}") & set(PLACEHOLDER.sub("", text)):
                raise _Fault(f"{where}: a brace by itself; a slot is written {{name}}")


def _templates(file: ScriptFile) -> Iterator[tuple[str, list[str]]]:
    for key, _, outcome in _outcomes(file):
        yield f"{key}.say", outcome.say
    yield "fallback", file.fallback
    yield "idle", file.idle
    for name, state in file.states.items():
        for field in ("say", "retry", "fallback", "idle"):
            yield f"states.{name}.{field}", getattr(state, field)
