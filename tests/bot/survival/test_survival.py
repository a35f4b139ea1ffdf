"""The short versions of the proofs: `python -m tests.bot.survival short`."""

from __future__ import annotations

import asyncio

import pytest

from .rounds import Round
from .short import SHORT, run

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Round]]:
    """Some of them are done at the same time: they mostly wait.

    Records and logs of what went wrong are left in pytest's temporary directory.
    """
    return asyncio.run(run(tmp_path_factory.mktemp("survival")))


@pytest.mark.parametrize("proof", SHORT)
def test_a_call_outlives_its_worker(rounds: dict[str, list[Round]], proof: str) -> None:
    assert rounds[proof]
    assert {each.name: each.problems for each in rounds[proof] if each.problems} == {}
