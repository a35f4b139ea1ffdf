"""What is wrong with a script is said with file, state and key, before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialog.script import load_script
from bot.dialog.script_states import compile_script
from bot.dialog.types import DialogError

GOOD = """
start = "ask"
[slots]
day = "day"
[states.ask]
say = "Which day?"
[[states.ask.expect]]
phrases = ["{day}"]
go = "done"
[states.done]
say = "See you on {day}."
hangup = true
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bot.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_script(tmp_path: Path) -> None:
    compiled = compile_script(write(tmp_path, GOOD))
    assert compiled.states["ask"].phrases[:2] == ("monday", "tuesday")
    assert compiled.states["done"].phrases == ()


def test_every_slot_type(tmp_path: Path) -> None:
    slots = """
    work = { type = "day", values = ["monday", "friday"] }
    time = { type = "time", first = "9:00", last = "16:30", step_min = 30 }
    guests = { type = "number", least = 1, most = 8 }
    sure = "yes_no"
    doctor = ["adams", "brown"]
    room = { type = "list", values = { big = ["the big one", "large"], small = "small" } }
    """
    text = GOOD.replace('day = "day"', 'day = "day"' + slots)
    compiled = compile_script(write(tmp_path, text))
    vocabularies = {name: slot.vocabulary() for name, slot in compiled.slots.items()}
    assert vocabularies["work"] == {"monday": "monday", "friday": "friday"}
    assert vocabularies["time"]["half past four"] == "16:30"
    assert list(vocabularies["guests"].values()) == list("12345678")
    assert vocabularies["sure"]["yeah"] == "yes"
    assert vocabularies["doctor"] == {"adams": "adams", "brown": "brown"}
    assert vocabularies["room"] == {"the big one": "big", "large": "big", "small": "small"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('start = "ask"', "start = ", r"is no valid TOML: .*line 2"),
        ('start = "ask"', "", "start: this key is missing"),
        (
            'start = "ask"',
            'start = "aks"',
            "start: there is no state 'aks'; the states are: ask, done",
        ),
        ('start = "ask"', 'start = "ask"\nsart = 1', "sart: there is no such key"),
        (
            'start = "ask"',
            'start = "ask"\nmax_tries = 0',
            "max_tries: .*greater than or equal to 1",
        ),
        ('go = "done"', 'go = "dnoe"', r"states.ask.expect\[1\].go: there is no state 'dnoe'"),
        ('go = "done"', 'goto = "done"', r"states.ask.expect\[1\].goto: there is no such key"),
        ('go = "done"', 'go = "ask"', "states.done: no `go` leads there; add one, or remove"),
        (
            'go = "done"',
            'go = "done"\nhangup = true',
            r"states.ask.expect\[1\]: write one of `go`, `hangup` and `transfer`",
        ),
        (
            'go = "done"',
            'transfer = "0800"',
            r"states.ask.expect\[1\].transfer: String should match",
        ),
        ('["{day}"]', "[]", r"states.ask.expect\[1\].phrases: must not be empty"),
        ('["{day}"]', '[""]', r"states.ask.expect\[1\].phrases\[1\]: must not be empty"),
        ('["{day}"]', '["[please]"]', r"expect\[1\].phrases\[1\] '\[please\]': it may be empty"),
        (
            '["{day}"]',
            '["a", "{time}"]',
            r"expect\[1\].phrases\[2\] '\{time\}': unknown slot 'time'",
        ),
        (
            '["{day}"]',
            '["{day}"]\nkeywords = ["?"]',
            r"expect\[1\].keywords\[1\] '\?': has no word",
        ),
        (
            '["{day}"]',
            '["{day}"]\n[[states.ask.expect]]\nphrases = ["Friday!"]',
            r"states.ask.expect\[2\]: 'friday' is said in states.ask.expect\[1\] too",
        ),
        (
            '"Which day?"',
            '"Which {dya}?"',
            r"states.ask.say\[1\] .*\{dya\} is no slot and no parameter, and never set",
        ),
        ('"Which day?"', '"Which {day?"', r"states.ask.say\[1\] .*a brace by itself"),
        ('"Which day?"', "7", r"states.ask.say: .*valid list"),
        (
            '"Which day?"',
            '"x"\nhangup = true',
            "states.ask: a state with `hangup` or `transfer` has no",
        ),
        ("hangup = true", "", "states.done: add `expect`, `dtmf`, `hangup = true` or `transfer`"),
        ("hangup = true", 'hangup = true\ntransfer = "+15551234567"', "states.done: write one of"),
        ("hangup = true", 'hangup = "yes"', "states.done.hangup: .*valid boolean"),
        ("hangup = true", 'dtmf = { a = "ask" }', "states.done.dtmf.a: String should match"),
        ("hangup = true", 'dtmf = { 1 = "x" }', "states.done.dtmf.1.go: there is no state 'x'"),
        ('= "day"', '= "days"', "slots.day.type: .*'day', 'time', 'number', 'yes_no' or 'list'"),
        ('= "day"', '= { type = "day", most = 3 }', "slots.day: a slot of type day has no most"),
        ('= "day"', '= { type = "day", values = ["xmas"] }', "slots.day: .* may be: monday"),
        ('= "day"', '= { type = "list" }', "slots.day: a slot of type list needs `values`"),
        ('= "day"', '= { type = "number", least = 9, most = 3 }', "it ends before it begins"),
        ('= "day"', '= { type = "time", first = "9" }', "slots.day.first: String should match"),
        ("[states.ask]", 'give_up = "x"\n[states.ask]', "slots.give_up"),
    ],
)
def test_what_is_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(DialogError, match=message) as caught:
        load_script(path)
    assert str(caught.value).startswith(f"script {path}: ")
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('give_up = "x"', "give_up.go: there is no state 'x'"),
        ("give_up = { say = '{x}', hangup = true }", r"give_up.say\[1\] .*\{x\} is no slot"),
        ("dtmf = { 0 = 'x' }", "dtmf.0.go: there is no state 'x'"),
        ("fallback = ['{x}']", r"fallback\[1\] "),
        ("idle = ['}']", r"idle\[1\] .*a brace by itself"),
        ("everywhere = [{ phrases = ['a('] }]", r"everywhere\[1\].phrases\[1\] 'a\('"),
        ("everywhere = [{ phrases = ['help'], go = 'x' }]", r"everywhere\[1\].go"),
    ],
)
def test_what_is_wrong_for_all_states(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DialogError, match=message):
        load_script(write(tmp_path, line + GOOD))


def test_too_many_phrases_in_a_state(tmp_path: Path) -> None:
    option = '[[states.ask.expect]]\nphrases = ["%s (a|b|c|d|e) (a|b|c|d|e) [{day}]"]\n'
    extra = "".join(option % word for word in ("one", "two", "three"))
    with pytest.raises(DialogError, match=r"states.ask.expect: 75\d phrases in all|250 phrases"):
        load_script(write(tmp_path, GOOD.replace("[states.done]", extra + "[states.done]")))
    extra = extra.replace(" [{day}]", " [f|g]")
    with pytest.raises(
        DialogError, match=r"states.ask.expect: 234 phrases in all, 200 are allowed"
    ):
        load_script(write(tmp_path, GOOD.replace("[states.done]", extra + "[states.done]")))


def test_a_state_reached_only_by_giving_up_or_by_a_key(tmp_path: Path) -> None:
    for line in ('give_up = "late"', 'dtmf = { 0 = "late" }'):
        load_script(write(tmp_path, f"{line}{GOOD}[states.late]\nhangup = true\n"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DialogError, match="cannot be read: No such file"):
        load_script(tmp_path / "none.toml")
    with pytest.raises(DialogError, match="cannot be read: No such file"):
        load_script(tmp_path / "none")
    with pytest.raises(DialogError, match=r"no_such_builtin\.toml: cannot be read"):
        load_script(Path("no_such_builtin"))
    (tmp_path / "latin.toml").write_bytes(b'start = "caf\xe9"')
    with pytest.raises(DialogError, match=r"is not UTF-8 \(byte 12\)"):
        load_script(tmp_path / "latin.toml")
