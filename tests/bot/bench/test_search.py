"""The search for the highest number of calls, with rounds that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.bench.calls.search import MOST_CALLS, Search, find_highest
from tests.bot.bench.results import a_round


async def search(valid: Callable[[int, int], bool]) -> tuple[Search, list[int]]:
    """Search where a round is valid by its number of calls, and by how often that was tried."""
    tried: list[int] = []

    async def try_round(calls: int) -> object:
        tried.append(calls)
        return a_round(calls=calls, valid=valid(calls, tried.count(calls)), faults=["late"])

    return await find_highest(try_round), tried  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, 4, 5, 9, 49, 50, 51, 104, 150, 347, 399, 400, 1_000])
async def test_it_is_found_to_the_nearest_five(limit: int) -> None:
    found, tried = await search(lambda calls, _: calls <= limit)
    assert found["highest"] == min(limit, MOST_CALLS) // 5 * 5
    assert max(tried) <= MOST_CALLS
    assert len(tried) <= 8 + 2 * 5


async def test_one_bad_round_is_tried_again() -> None:
    found, tried = await search(lambda calls, time: calls <= 60 and (calls != 50 or time == 2))
    assert found["highest"] == 60
    assert tried[:3] == [50, 50, 100]
    assert [probe["valid"] for probe in found["probes"][:3]] == [False, True, False]
    assert found["probes"][0]["faults"] == ["late"]
