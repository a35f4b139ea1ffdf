"""Which rounds are made in search of the highest number, with rounds that are known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot.bench.calls.measured import Round
from bot.bench.calls.trials import Trials, confirm, find
from tests.bot.bench.results import a_round


@dataclass
class Worker:
    """Carries so many calls at a time; the first whole rounds may go wrong all the same."""

    limit: int
    mishaps: int = 0
    whole: list[int] = field(default_factory=list)

    async def try_short(self, calls: int) -> Round:
        return a_round(calls=calls, seconds=10, valid=calls <= self.limit)

    async def try_whole(self, calls: int) -> Round:
        self.whole.append(calls)
        valid = calls <= self.limit and len(self.whole) > self.mishaps
        return a_round(calls=calls, valid=valid)


async def trials(coarse: Worker, fine: Worker) -> Trials:
    made = Trials()
    await find(made, coarse.try_short, coarse.try_whole)
    await confirm(made, fine.try_whole)
    return made


@pytest.mark.parametrize(
    ("limit", "highest", "judged"), [(250, 250, 100), (100, 100, 100), (60, 60, 60)]
)
async def test_the_budgets_have_rounds_of_their_own(limit: int, highest: int, judged: int) -> None:
    coarse, fine = Worker(limit), Worker(200)
    made = await trials(coarse, fine)
    assert made.search is not None
    assert made.search["highest"] == highest
    assert [measured["calls"] for measured in made.rounds] == [highest] * 2
    assert [measured["calls"] for measured in made.judged] == [judged] * 2
    assert made.judged[0]["valid"]
    assert fine.whole == ([100, 250] if limit == 250 else [highest])
    # Before the search, whose calls would have grown the worker.
    assert coarse.whole[0] == 100


async def test_a_bad_round_of_the_budgets_is_made_again() -> None:
    coarse, fine = Worker(250, mishaps=1), Worker(250, mishaps=1)
    made = await trials(coarse, fine)
    assert coarse.whole == fine.whole == [100, 100, 250]
    assert [measured["valid"] for measured in made.judged] == [True, True]


async def test_where_nothing_is_valid_no_budget_is_judged_by_a_valid_round() -> None:
    made = await trials(Worker(0), Worker(0))
    assert not any(measured["valid"] for measured in made.rounds + made.judged)
