"""The built-in `script` dialog: a conversation written down as states in a TOML file.

A file in short (`booking.toml`, beside this module, is a whole one; `script:booking` runs it)::

    start = "day"                               # the first state; what it says is the greeting
    fallback = ["Sorry, I did not understand."] # when nothing matched: the n-th for the n-th time
    max_tries = 3                               # so many times in a row, then:
    give_up = { say = "Please call later.", hangup = true }
    idle = ["Are you still there?"]             # to a silent caller

    [parameters]                                # of the call (<Parameter>, a campaign's contact):
    name = "to you"                             # its name, and what stands for it if missing

    [slots]                                     # what may be filled in
    day = "day"                                 # a weekday, today, tomorrow
    time = { type = "time", first = "9:00", last = "16:00", step_min = 60 }
    guests = { type = "number", least = 1, most = 8 }
    sure = "yes_no"                             # yes or no
    doctor = ["adams", "brown"]                 # or { adams = ["adams", "doctor adams"] }

    [[everywhere]]                              # what may be said in every state
    phrases = ["goodbye"]
    hangup = true

    [states.day]
    say = "On which day?"                       # on entry; {slot} for what was filled in, {name}
    retry = "Please name a day."                # behind the fallback; else the last of `say`
    dtmf = { 1 = "bye" }                        # a key: a state, or a table as `expect` has
    [[states.day.expect]]
    phrases = ["[on] {day}", "{day=sunday}"]    # see `bot.dialog.script_phrases`
    keywords = ["today"]                        # enough wherever they are in free text
    set = { intent = "book" }                   # more values
    do_not_call = true                          # never call this person again
    call_back_s = 3600                          # a campaign is to call them again in an hour
    say = "All right."                          # before what the next state says
    go = "bye"                                  # or hangup = true, transfer = "+15551234567"

    [states.bye]                                # a state that ends the call
    say = "See you on {day}."
    hangup = true

Unless a match says so, the state never changes. `fallback`, `idle`, `max_tries`, `give_up` and
`dtmf` may stand in a state too, which then counts.

What was filled in and set is `call.state["result"]`, text by name: days and yes/no in lower
case, times as `HH:MM`, numbers in digits. `call.state["script"]` is where the conversation is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .script_file import Outcome
from .script_states import PLACEHOLDER, Compiled, ReadyState, compile_script
from .types import (
    Call,
    CallBack,
    DoNotCall,
    Expect,
    Hangup,
    Reply,
    Say,
    Transfer,
    Turn,
)

__all__ = ["Script", "load_script"]


class Script:
    """A dialog that follows a script. It keeps nothing of a call: all is in `call.state`."""

    def __init__(self, compiled: Compiled) -> None:
        self._file = compiled.file
        self._states = compiled.states
        self._slots = compiled.slots

    async def greet(self, call: Call) -> list[Reply]:
        """Begin the script."""
        call.state["result"] = {}
        return self._enter(call, self._file.start)

    async def on_turn(self, call: Call, turn: Turn) -> list[Reply]:
        """Go where what was said leads, or say the fallback."""
        name, ready = self._current(call)
        if ready.state.ends:
            return self._end(ready)
        found = None if turn.rejected else ready.matcher.match(turn.text)
        if found is None:
            return self._miss(call, name, ready)
        self._result(call).update(found.captures)
        return self._follow(call, name, ready.options[found.option])

    async def on_dtmf(self, call: Call, digits: str) -> list[Reply]:
        """Go where the key leads, or say the fallback."""
        name, ready = self._current(call)
        if ready.state.ends:
            return self._end(ready)
        outcome = ready.state.dtmf.get(digits) or self._file.dtmf.get(digits)
        if outcome is None:
            return self._miss(call, name, ready)
        return self._follow(call, name, outcome)

    async def on_idle(self, call: Call, count: int) -> list[Reply]:
        """Prompt a silent caller."""
        _, ready = self._current(call)
        if ready.state.ends:
            return self._end(ready)
        prompts = ready.state.idle or self._file.idle
        return self._say(call, [_nth(prompts, count)] if prompts else self._question(ready, count))

    async def on_resume(self, call: Call, unheard: str) -> list[Reply]:
        """Go on after a break: what was not heard again, else the question."""
        _, ready = self._current(call)
        if call.gap is not None and call.gap.turn_open:
            return [Expect(ready.phrases)]  # the answer follows
        said: list[Reply] = [Say(unheard)] if unheard else []
        if ready.state.ends:
            return [*said, *self._end(ready)]
        return [Expect(ready.phrases), *(said or self._say(call, self._question(ready, 1)))]

    def _current(self, call: Call) -> tuple[str, ReadyState]:
        """Where the call is: at the start if the script was changed and has no such state."""
        name = str(self._position(call).get("state"))
        if name not in self._states:
            name = self._file.start
        return name, self._states[name]

    def _enter(self, call: Call, name: str) -> list[Reply]:
        call.state["script"] = {"state": name, "tries": 0}
        ready = self._states[name]
        said = self._say(call, ready.state.say)
        if ready.state.ends:
            return [*said, *self._end(ready)]
        # First, so that a caller who answers before the question is over is understood.
        return [Expect(ready.phrases), *said]

    def _end(self, ready: ReadyState) -> list[Reply]:
        if ready.state.transfer is not None:
            return [Transfer(ready.state.transfer)]
        return [Hangup("script")]

    def _follow(self, call: Call, name: str, outcome: Outcome) -> list[Reply]:
        self._result(call).update(outcome.set)
        done, said = _noted(outcome), self._say(call, outcome.say)
        if outcome.hangup:
            return [*done, *said, Hangup("script")]
        if outcome.transfer is not None:
            return [*done, *said, Transfer(outcome.transfer)]
        if outcome.go is not None:
            return [*done, *said, *self._enter(call, outcome.go)]
        call.state["script"] = {"state": name, "tries": 0}
        return [*done, *(said or self._say(call, self._question(self._states[name], 1)))]

    def _miss(self, call: Call, name: str, ready: ReadyState) -> list[Reply]:
        """Nothing matched: the fallback and the question again, or giving up."""
        tries = int(self._position(call).get("tries", 0)) + 1
        call.state["script"] = {"state": name, "tries": tries}
        max_tries = ready.state.max_tries or self._file.max_tries
        give_up = ready.state.give_up or self._file.give_up
        if max_tries is not None and tries > max_tries and give_up is not None:
            return self._follow(call, name, give_up)
        fallback = ready.state.fallback or self._file.fallback
        prompts = [_nth(fallback, tries)] if fallback else []
        return self._say(call, [*prompts, *self._question(ready, tries)])

    def _question(self, ready: ReadyState, count: int) -> list[str]:
        """What asks again: the `count`-th `retry`, else the last thing that was said on entry."""
        state = ready.state
        return [_nth(state.retry, count)] if state.retry else state.say[-1:]

    def _say(self, call: Call, templates: list[str]) -> list[Reply]:
        result, parameters = self._result(call), self._file.parameters

        def value(name: str) -> str:
            if name in parameters and name not in result:
                return call.parameters.get(name) or parameters[name]
            held = str(result.get(name, ""))
            return self._slots[name].spoken(held) if held and name in self._slots else held

        texts = [PLACEHOLDER.sub(lambda m: value(m[1]), template) for template in templates]
        return [Say(" ".join(texts))] if texts else []

    def _position(self, call: Call) -> dict[str, Any]:
        position = call.state.get("script")
        return position if isinstance(position, dict) else {}

    def _result(self, call: Call) -> dict[str, str]:
        result: dict[str, str] = call.state.setdefault("result", {})
        return result


def load_script(path: Path) -> Script:
    """The dialog written in the TOML file `path`, or the built-in one of that name (`booking`).

    Raises:
        DialogError: what is wrong, with file, state and key.
    """
    return Script(compile_script(path))


def _noted(outcome: Outcome) -> list[Reply]:
    """What is to be noted of the person, beside what is said."""
    noted: list[Reply] = [DoNotCall()] if outcome.do_not_call else []
    if outcome.call_back_s is not None:
        noted.append(CallBack(outcome.call_back_s))
    return noted


def _nth(prompts: list[str], count: int) -> str:
    """The `count`-th of `prompts` (from 1), or the last."""
    return prompts[min(max(count, 1), len(prompts)) - 1]
