from __future__ import annotations

import pytest

from providers.errors import NetworkError, RateLimitError
from providers.patience import Patience

BROKEN = NetworkError("lines", "the connection was broken")
LIMITED = RateLimitError("lines", "too many")


def attempts(patience: Patience, now_s: float) -> list[float]:
    """The waits of all attempts, each of which fails at once."""
    waits: list[float] = []
    while True:
        delay_s, left_s = patience.attempt(now_s, BROKEN)
        if left_s <= 0:
            return waits
        waits.append(delay_s)
        now_s += delay_s


def test_attempts_come_at_once_and_then_more_slowly() -> None:
    patience = Patience(3.0)
    patience.lost(100.0, held_s=0.5)
    waits = attempts(patience, 100.0)
    assert waits == [0.0, 0.1, 0.2, 0.4, 0.8, 0.8]
    patience.progressed()
    assert attempts(patience, 200.0) == waits


def test_a_new_loss_without_progress_gives_no_more_time() -> None:
    patience = Patience(3.0)
    patience.lost(100.0, held_s=0.5)
    assert patience.attempt(100.0, BROKEN) == (0.0, 3.0)
    patience.lost(101.0, held_s=1.0)
    delay_s, left_s = patience.attempt(101.0, BROKEN)
    assert (delay_s, left_s) == pytest.approx((0.1, 1.9))


def test_what_was_sound_is_mended_five_times_a_minute() -> None:
    patience = Patience(3.0)
    for number in range(5):
        patience.lost(100.0 + 4 * number, held_s=2.0)
        delay_s, left_s = patience.attempt(100.0 + 4 * number, BROKEN)
        assert left_s > 2
        assert delay_s == [0.0, 0.1, 0.2, 0.4, 0.8][number]
    patience.lost(120.0, held_s=2.0)
    assert patience.attempt(120.0, BROKEN)[1] <= 0
    # A minute after the first there is room for another.
    patience.lost(160.1, held_s=2.0)
    assert patience.attempt(160.1, BROKEN)[1] > 2
    patience.lost(163.2, held_s=2.0)
    assert patience.attempt(163.2, BROKEN)[1] <= 0
    patience.progressed()
    patience.lost(164.0, held_s=2.0)
    assert patience.attempt(164.0, BROKEN) == (0.0, 3.0)


def test_a_line_that_breaks_seldom_is_mended_at_once() -> None:
    patience = Patience(3.0)
    for number in range(20):
        patience.lost(100.0 + 61 * number, held_s=60.0)
        assert patience.attempt(100.0 + 61 * number, BROKEN) == (0.0, 3.0)


def test_too_many_requests_are_followed_by_one_after_a_while() -> None:
    patience = Patience(3.0)
    assert patience.attempt(100.0, None) == (0.0, 3.0)
    assert patience.attempt(100.0, LIMITED) == (1.0, 2.0)
    assert patience.attempt(101.0, LIMITED)[1] <= 0
    patience.progressed()
    assert patience.attempt(102.0, LIMITED) == (1.0, 2.0)


def test_the_vendor_may_say_how_long_to_wait() -> None:
    for advice_s, left_s in ((0.5, 2.5), (2.0, 1.0), (3.0, 0.0), (60.0, -57.0)):
        advised = RateLimitError("lines", "too many", retry_after_s=advice_s)
        assert Patience(3.0).attempt(100.0, advised) == (advice_s, left_s)
