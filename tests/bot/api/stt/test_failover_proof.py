"""The short version of `python -m tests.bot.api.stt.failover_proof`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vendors.speech.recordings import computed_script

from .failover_proof import SENTENCES, Kill, kills_of, prove

pytestmark = pytest.mark.real_time

SAID = SENTENCES[:1]


def test_vendors_are_killed_in_the_middle_of_words() -> None:
    script = computed_script(SAID)
    kills = kills_of(script, 20, seed=1)
    assert kills == kills_of(script, 20, seed=1) != kills_of(script, 20, seed=2)
    assert {kill.first for kill in kills} == {"deepgram", "soniox"}
    for kill in kills:
        assert kill.at_ms is not None
        assert any(word.start_ms < kill.at_ms < word.end_ms for word in script.words)


async def test_clients_do_not_notice_that_a_vendor_is_killed(tmp_path: Path) -> None:
    word = computed_script(SAID).words[4]
    kill = Kill("deepgram", "soniox", (word.start_ms + word.end_ms) // 2)
    (only,) = await prove(tmp_path, [kill], SAID)
    assert only.problems == []
    assert set(only.told) == {"/stt/stream", "/ws/asr-stream", "/stt/stream-chunk"}
