"""The short version of `python -m tests.bot.api.stt.chunks_proof`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.survival.launching import launch_warm

from .chunks_proof import SENTENCES, prove

pytestmark = pytest.mark.real_time


async def test_a_session_by_http_outlives_its_worker(tmp_path: Path) -> None:
    (only,) = await prove(tmp_path, [0.6], SENTENCES[:1], launch_warm)
    assert only.problems == []
