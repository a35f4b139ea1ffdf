"""How long an attempt may be dialled, whatever stands still meanwhile."""

from __future__ import annotations

import pytest

from bot.campaign.lease import DialLease, read_clocks


@pytest.mark.parametrize("running", [0, 1, 2])
def test_one_clock_is_enough_to_end_it(running: int) -> None:
    now = [100.0, 200.0, 300.0]
    lease = DialLease((100.0, 200.0, 300.0), 10.0, lambda: tuple(now))
    now[running] += 9.9
    assert lease.holds()
    now[running] += 0.1
    assert not lease.holds()


def test_the_clocks_are_those_of_the_machine() -> None:
    assert len(read_clocks()) == 3
    assert DialLease(read_clocks(), 60.0).holds()
    assert not DialLease(read_clocks(), 0.0).holds()
