"""Who is called, from a file or by chance, and how far they are when the stream begins."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.phone.clip import Clip
from bot.phone.steps import HangUp, Play, Step, Wait, WaitForBot
from tests.bot.phone.sounds import tone

from .detection import verdict_of
from .order import Order
from .people import Crowd, People, Person, left_after, machine, usual
from .people_file import PeopleError, load_people

FILE = """
[crowd]
seed = 7
light = true
shares = { answers = 3, busy = 1 }
ring_ms = 900

[people."+15550100001"]
ring_ms = 1500
verdict = "unknown"
steps = [{ wait_for_bot = true }, { play = "hello.ulaw" }]

[[people."+15550100002"]]
does = "busy"
[[people."+15550100002"]]
does = "machine"
greeting = ["hello.ulaw", "hello.ulaw"]
beep = false
"""


def test_a_file_says_who_is_called(tmp_path: Path) -> None:
    (tmp_path / "hello.ulaw").write_bytes(tone(100))
    (tmp_path / "people.toml").write_text(FILE)
    people = load_people(tmp_path / "people.toml")
    hello = Play(Clip("hello.ulaw", tone(100)))
    first = people.call("+15550100001")
    assert first == Person(steps=(WaitForBot(), hello), ring_ms=1500, verdict="unknown")
    assert people.next("+15550100002").does == "busy"
    assert [people.call("+15550100002").does for _ in range(3)] == ["busy", "machine", "machine"]
    recorder = people.call("+15550100002")
    assert recorder.steps[:2] == (hello, hello)
    assert not recorder.beeps
    other = people.call("+15550100003")
    assert other.light
    assert other.ring_ms <= 900


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "Invalid"),
        ('[people."555"]\ndoes = "busy"', "people.555"),
        ('[default]\ndoes = "sings"', "default.does"),
        ("[default]\nrings = 3", "default.rings"),
        ("[default]\n[crowd]\nshares = { busy = 1 }", "not both"),
        ("[default]\nsteps = [{ dance = true }]", "step 1: it must have exactly one"),
        ('[default]\ndoes = "machine"\nbeep = "no.ulaw"', "no.ulaw: No such file"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "people.toml").write_text(text)
    with pytest.raises(PeopleError, match=said):
        load_people(tmp_path / "people.toml")
    with pytest.raises(PeopleError, match="No such file"):
        load_people(tmp_path / "nobody.toml")


def test_a_crowd_is_the_same_for_the_same_seed() -> None:
    crowd = Crowd(1, {"answers": 3, "no_answer": 1}, light=True, light_ms=500)
    numbers = [f"+1555010{number:04}" for number in range(1000)]
    first = [crowd.person(number, 0) for number in numbers]
    people = People(others=crowd)
    assert [people.call(number) for number in reversed(numbers)] == first[::-1]
    assert [people.call(number) for number in numbers] != first
    assert 700 < Counter(person.does for person in first)["answers"] < 800
    assert People().call("+15550100001") == Person()


HELLO = Play(Clip("hello", tone(400)))
HALF = Play(Clip("hello", tone(400)[1600:]))


@pytest.mark.parametrize(
    ("steps", "ms", "left"),
    [
        ((HELLO, Wait(100), HangUp()), 0, (HELLO, Wait(100), HangUp())),
        ((HELLO, Wait(100), HangUp()), 200, (HALF, Wait(100), HangUp())),
        ((HELLO, Wait(100), HangUp()), 450, (Wait(50), HangUp())),
        ((HELLO, Wait(100), HangUp()), 500, ()),
        ((HELLO, Wait(100)), 500, ()),
        ((Wait(100), WaitForBot(), HangUp()), 500, (WaitForBot(), HangUp())),
    ],
)
def test_people_go_on_where_they_are(
    steps: tuple[Step, ...], ms: int, left: tuple[Step, ...]
) -> None:
    assert left_after(steps, ms) == left


@pytest.mark.parametrize(
    ("person", "detection", "limit_s", "verdict"),
    [
        (machine([HELLO.clip], None), "DetectMessageEnd", 30, ("machine_end_silence", 1600)),
        (machine([HELLO.clip], HELLO.clip), "DetectMessageEnd", 30, ("machine_end_beep", 800)),
        (machine([HELLO.clip], None), "Enable", 30, ("machine_start", 400)),
        (machine(), "Enable", 30, ("machine_start", 2400)),
        (machine(), "DetectMessageEnd", 3, ("unknown", 3000)),
        (usual("fax"), "Enable", 30, ("fax", 2000)),
        (Person(verdict="machine_start", verdict_ms=700), "Enable", 30, ("machine_start", 700)),
    ],
)
def test_a_verdict_takes_its_time(
    person: Person, detection: str, limit_s: int, verdict: tuple[str, int]
) -> None:
    order = Order("+1", "+2", "<Response/>", detection=detection, detection_s=limit_s)
    found = verdict_of(person, order)
    assert found is not None
    assert (found.answered_by, found.ms) == verdict
    assert verdict_of(person, Order("+1", "+2", "<Response/>")) is None
