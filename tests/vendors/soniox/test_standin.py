"""What a stand-in keeps, and that it does not break unnoticed."""

from __future__ import annotations

import pytest

from tests.vendors.speech.hearing import Listening
from tests.vendors.speech.oracle import Oracle, OracleHearing
from tests.vendors.speech.script import Script

from .standin import SonioxStandIn
from .talking import CONFIG, talking


class BrokenHearing(OracleHearing):
    async def listen(self, listening: Listening) -> Oracle:
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
