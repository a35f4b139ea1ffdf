"""The search for the highest number of calls, with rounds that are known beforehand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.bench.calls.measured import Round
from bot.bench.calls.search import MOST_CALLS, Search, find_highest
from tests.bot.bench.results import a_round

Valid = Callable[[int, int], bool]
"""Whether a round is valid: by its number of calls, and by how often that was tried."""


async def search(
    short: Valid, whole: Valid = lambda calls, time: True
) -> tuple[Search, list[int], list[int]]:
    """Search; what was found, and the calls that were tried in short and in whole rounds."""
    tried: tuple[list[int], list[int]] = [], []

    def rounds(which: int, valid: Valid, seconds: float) -> Callable[[int], Awaitable[Round]]:
        async def try_round(calls: int) -> Round:
            tried[which].append(calls)
            good = valid(calls, tried[which].count(calls))
            return a_round(calls=calls, seconds=seconds, valid=good, faults=["late"])

        return try_round

    found, last = await find_highest(rounds(0, short, 10), rounds(1, whole, 30))
    assert last["calls"] == tried[1][-1]
    assert [probe["calls"] for probe in found["probes"]] == tried[0] + tried[1]
    assert [probe["seconds"] for probe in found["probes"]] == [10] * len(tried[0]) + [30] * len(
        tried[1]
    )
    return found, *tried


@pytest.mark.parametrize("limit", [5, 9, 49, 50, 51, 104, 150, 347, 399, 400, 1_000])
async def test_it_is_found_to_the_nearest_five(limit: int) -> None:
    found, short, whole = await search(lambda calls, _: calls <= limit)
    assert found["highest"] == min(limit, MOST_CALLS) // 5 * 5
    assert max(short) <= MOST_CALLS
    assert len(short) <= 8 + 2 * 5
    assert whole == [found["highest"]]


async def test_one_bad_round_is_tried_again() -> None:
    found, short, _ = await search(lambda calls, time: calls <= 60 and (calls != 50 or time == 2))
    assert found["highest"] == 60
    assert short[:3] == [50, 50, 100]
    assert [probe["valid"] for probe in found["probes"][:3]] == [False, True, False]
    assert found["probes"][0]["faults"] == ["late"]


async def test_what_holds_for_a_short_while_must_hold_for_long() -> None:
    found, _, whole = await search(lambda calls, _: calls <= 200, lambda calls, _: calls <= 185)
    assert whole == [200, 190, 180]
    assert found["highest"] == 180


@pytest.mark.parametrize("limit", [0, 200])
async def test_where_nothing_holds_the_search_ends(limit: int) -> None:
    found, _, whole = await search(lambda calls, _: calls <= limit, lambda *_: False)
    assert found["highest"] == 0
    assert len(whole) == 6
    assert min(whole) >= 1
