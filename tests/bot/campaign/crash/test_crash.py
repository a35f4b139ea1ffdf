"""Twenty times somebody is killed while a campaign runs, and nobody is called too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from .plan import ProofPlan
from .proof import prove

pytestmark = pytest.mark.real_time

PLAN = ProofPlan(
    contacts=30,
    kills=20,
    per_second=100,
    # Of those killed while they ask, most are early: what was never placed takes long to be known.
    seed=336,
    retry_s=1,
    lost_ms=700,
    late_s=2.0,
    dropped=0.0,
)


async def test_a_campaign_outlives_its_dialers(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = await prove(PLAN, tmp_path, said.append)
    assert outcome.problems == []
    assert outcome.kills == 20
    assert outcome.asking >= 6
    assert outcome.verdict.counts["done"] == 30
