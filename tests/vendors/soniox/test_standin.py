"""What a stand-in keeps, and that it does not break unnoticed."""

from __future__ import annotations

import pytest

from .oracle import Oracle, OracleHearing
from .record import MOST_KEPT, Record
from .script import Script, spread, words_of
from .standin import SonioxStandIn
from .stt_config import SttConfig
from .talking import CONFIG, talking


class BrokenHearing(OracleHearing):
    async def listen(self, config: SttConfig) -> Oracle:
        raise RuntimeError("no ears")


async def test_a_stand_in_that_breaks_says_so(script: Script) -> None:
    with pytest.raises(ExceptionGroup) as broken:
        async with (
            SonioxStandIn(BrokenHearing(script)) as standin,
            talking(standin.stt_url, CONFIG) as talk,
        ):
            await talk.rest()
    assert [str(error) for error in broken.value.exceptions] == ["no ears"]


async def test_frames_need_not_be_kept(script: Script) -> None:
    async with SonioxStandIn(OracleHearing(script), keep=False) as standin:
        async with talking(standin.stt_url, CONFIG, script.audio, "") as talk:
            messages = await talk.rest()
        (record,) = standin.stt
    assert (record.received, record.sent) == ([], [])
    assert (record.audio_bytes, record.not_kept) == (len(script.audio), 3 + len(messages))


def test_what_is_kept_is_bounded() -> None:
    record = Record("stt", "/", (), "right")
    for _ in range(MOST_KEPT + 2):
        record.came(b"x")
    assert (len(record.received), record.not_kept) == (MOST_KEPT, 2)


def test_a_script_is_in_order(script: Script) -> None:
    words = spread(words_of("Hello there"), 100, 500)
    with pytest.raises(ValueError, match="out of order"):
        Script(script.audio, script.format, words[::-1])
    with pytest.raises(ValueError, match="out of the recording"):
        Script(script.audio[:3_000], script.format, words)
