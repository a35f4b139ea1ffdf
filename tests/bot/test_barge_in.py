"""A few barge-ins of `python -m tests.bot.barge_in`, and what its judge would not let pass."""

from __future__ import annotations

import asyncio

import pytest

from .barge_in import PARALLEL, barge_in, interrupting_clip, lecture, moments
from .running import running_worker

pytestmark = pytest.mark.real_time

CLEAR_WITHIN_MS = 1_000
"""In the middle of what the caller says, however busy the machine is with other tests."""


async def test_barge_ins_at_the_first_word_and_in_the_middle() -> None:
    truth, clip = await lecture(), await interrupting_clip()
    async with running_worker(PARLEY_DIALOG="tests.bot.dialogs:Lecturer") as worker:
        outcomes = await asyncio.gather(
            *(
                barge_in(worker.phone, clip, after_ms, truth, CLEAR_WITHIN_MS)
                for after_ms in (0, 120, 2_500)
            )
        )
    assert [outcome.problems for outcome in outcomes] == [(), (), ()]
    assert all(outcome.clear_ms is not None for outcome in outcomes)
    first, _, third = (outcome.heard for outcome in outcomes)
    assert 0 < len(first) < len(third) < len(truth.text)


async def test_the_moments_hold_the_first_word_and_the_end() -> None:
    truth = await lecture()
    chosen = moments(50, truth.length_ms, seed=1)
    assert len(chosen) == 50 > PARALLEL
    assert min(chosen) == 0
    assert truth.length_ms - 600 < max(chosen) < truth.length_ms
    assert truth.words_begun(0) == 0
    assert truth.words_begun(truth.length_ms) == len(truth.words) > 30
