from __future__ import annotations

from bot.dialog import Ended
from bot.late_ends import LateEnd, LateEnds

LOST, SAID = Ended("unknown", "lost"), Ended("caller", "hung up")


def test_an_end_is_kept_until_it_is_taken() -> None:
    ends = LateEnds()
    ends.keep("CA1", LateEnd(LOST, 2, told=True))
    assert (len(ends), ends.all()) == (1, [("CA1", LateEnd(LOST, 2, told=True))])
    assert ends.take("CA1", SAID, 2) == LateEnd(LOST, 2, told=True)
    assert (len(ends), ends.all()) == (0, [])
    assert ends.take("CA1", SAID, 3) == LateEnd(SAID, 3)


def test_what_twilio_says_is_not_belied_by_a_newer_stream() -> None:
    ends = LateEnds()
    ends.keep("CA1", LateEnd(LOST, 2))
    assert ends.take("CA1", SAID, None) == LateEnd(LOST, None)


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    ends = LateEnds(limit=2)
    for sid in ("CA1", "CA2", "CA3"):
        ends.keep(sid, LateEnd(LOST, 1))
    assert [sid for sid, _ in ends.all()] == ["CA2", "CA3"]
