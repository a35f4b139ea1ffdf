"""Twilio refuses, and is left alone for a while."""

from __future__ import annotations

from bot.campaign.backing_off import FIRST_S, LONGEST_S, BackOff


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_waits_grow_until_a_call_is_placed() -> None:
    clock = Clock()
    back_off = BackOff(clock, lambda: 1.0)
    waits = []
    for _ in range(8):
        waits.append(back_off.refused(None))
        assert back_off.left_s == waits[-1]
        clock.now_s += waits[-1]
        assert back_off.left_s == 0
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_S, LONGEST_S]
    back_off.placed()
    assert back_off.refused(None) == FIRST_S


def test_those_who_were_asked_together_are_refused_together() -> None:
    clock = Clock()
    back_off = BackOff(clock, lambda: 0.0)
    assert back_off.refused(None) == FIRST_S / 2
    clock.now_s += 0.1
    assert round(back_off.refused(None), 6) == FIRST_S / 2 - 0.1
    clock.now_s += 1.0
    assert back_off.refused(None) == FIRST_S


def test_what_twilio_asks_for_is_waited_for() -> None:
    clock = Clock()
    back_off = BackOff(clock, lambda: 0.0)
    assert back_off.refused(7.0) == 7.0
    assert back_off.refused(None) == 7.0
    assert back_off.refused(2.0) == 7.0
