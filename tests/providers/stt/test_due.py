"""By when a vendor must have answered."""

from __future__ import annotations

from providers.stt.due import Due


def test_nothing_is_due_that_is_not_owed() -> None:
    due = Due()
    told = [due.at_s]
    assert not due.is_changed(1.0)
    due.expect(10.0, 3.0, None)
    told += [due.at_s, due.latest_s]
    due.settle()
    told.append(due.at_s)
    assert told == [None, 13.0, 13.0, None]


def test_silence_is_looked_at_before_the_deadline() -> None:
    due = Due()
    due.expect(10.0, 3.0, 1.0)
    assert due.at_s == 11.0
    due.look_again(11.0, 1.0)
    assert (due.at_s, due.latest_s) == (12.0, 13.0)
    due.look_again(12.5, 1.0)
    assert due.at_s == 13.0


def test_another_silence_counts_from_its_own_beginning() -> None:
    due = Due()
    due.expect(10.0, 3.0, None)
    assert due.is_changed(0.5)
    assert not due.is_changed(None)
    due.look_again(10.5, 0.5)
    assert due.at_s == 11.0
    assert not due.is_changed(0.5)
