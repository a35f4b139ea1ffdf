"""What is owed to who asks for all that was said so far."""

from __future__ import annotations

from bot.api.stt.finalizing import FINALIZE_S, MOST, Finalizing


def test_one_is_answered_when_all_before_it_was_told() -> None:
    owed = Finalizing()
    assert owed.ask(1_000, 0, 0)
    assert not owed.ask(1_000.5, 0, 0)  # the recognizers were asked for that
    assert owed.ask(2_000, 0, 0)
    assert owed.answered(998) == 0
    assert owed.answered(999.5) == 2
    assert (owed.answered(2_000), owed.answered(3_000)) == (1, 0)


def test_nothing_is_asked_for_that_was_told() -> None:
    owed = Finalizing()
    assert not owed.ask(1_000, 999.9, 0)
    assert owed.answered(999.9) == 1


def test_one_is_answered_in_time() -> None:
    owed = Finalizing()
    owed.ask(1_000, 0, 50)
    owed.ask(2_000, 0, 51)
    assert owed.late(50 + FINALIZE_S - 0.1) == 0
    assert owed.late(50 + FINALIZE_S) == 1
    assert owed.all() == 1


def test_recognizers_are_asked_so_often_at_most() -> None:
    owed = Finalizing()
    asked = [owed.ask(100 * number, 0, 0) for number in range(1, 101)]
    assert asked == [True] * MOST + [False] * (100 - MOST)
    # The latest of them waits for all.
    assert owed.answered(100 * (MOST - 1)) == MOST - 1
    assert owed.answered(9_900) == 0
    assert owed.answered(10_000) == 1
