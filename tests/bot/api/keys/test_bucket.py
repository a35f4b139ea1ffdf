from __future__ import annotations

import pytest

from bot.api.keys.bucket import Bucket


def test_a_bucket_begins_full_and_is_filled_evenly() -> None:
    bucket = Bucket(2, 0.5)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert bucket.take(101.0) == pytest.approx(1.0)
    assert bucket.take(102.0) == 0.0
    assert bucket.take(1000.0) == bucket.take(1000.0) == 0.0
    assert bucket.take(1000.0) == 2.0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, 1)
    assert bucket.take(10.0) == 0.0
    assert bucket.take(5.0) == 1.0
