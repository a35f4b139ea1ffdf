"""When `finalize` is answered, by a vendor that finds ends of turns itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from media.audio import ULAW_8K
from providers.fallback import Fallback
from providers.types import SttProvider
from tests.providers.library.hearing import SCRIPT, soniox
from tests.virtual_time import virtual_time_on_sockets

from .served import serving
from .test_failover import PIECE, Vendors


def recognizers(stt: Fallback[SttProvider]) -> Any:
    """These for everybody."""
    return Vendors(stt)


@pytest.mark.parametrize("until_ms", [SCRIPT.words[1].end_ms + 20, SCRIPT.words[3].end_ms + 1_200])
@virtual_time_on_sockets
async def test_finalize_is_answered_when_nothing_more_is_said(until_ms: int) -> None:
    """In the midst of a turn, and after the end of one."""
    audio = SCRIPT.audio[: ULAW_8K.byte_count(until_ms)]
    async with (
        soniox() as (_, stt),
        serving(recognizers=recognizers(stt)) as service,
        service.client("encoding=mulaw&interim_results=false") as client,
    ):
        for at in range(0, len(audio), PIECE):
            await client.send(audio[at : at + PIECE])
            await asyncio.sleep(0.02)
        asked_s = asyncio.get_running_loop().time()
        await client.say("finalize")
        assert (await client.hear("transcription"))["is_final"]
        await client.hear("finalized")
        assert asyncio.get_running_loop().time() - asked_s < 0.5
        # So is the next one, for which no vendor is needed.
        await client.say("finalize")
        await client.hear("finalized")
        assert asyncio.get_running_loop().time() - asked_s < 0.5
