"""A vendor that dies in the midst of a word: the client of a session notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.api.stt.asked import SessionRequest
from media.audio import ULAW_8K
from providers.fallback import Candidate, Fallback
from providers.types import SttProvider
from tests.providers.library.hearing import SCRIPT, remote, said_in, soniox
from tests.vendors.speech.faults import Fault
from tests.virtual_time import virtual_time_on_sockets

from .served import Client, serving

PIECE = ULAW_8K.byte_count(20)


class Vendors:
    """The recognizers of everybody."""

    def __init__(self, stt: Fallback[SttProvider]) -> None:
        self._stt = stt

    def of(
        self, request: SessionRequest, taken: Mapping[str, int] | None = None
    ) -> Fallback[SttProvider]:
        return self._stt


async def speak(client: Client) -> None:
    """Send a recording as it is spoken."""
    for at in range(0, len(SCRIPT.audio), PIECE):
        await client.send(SCRIPT.audio[at : at + PIECE])
        await asyncio.sleep(0.02)
    await client.say("close")


@pytest.mark.parametrize("kind", ["reset", "stall"])
@virtual_time_on_sockets
async def test_a_client_hears_every_word_once(kind: Any) -> None:
    finals: list[dict[str, Any]] = []
    dying = [Fault(kind, "word", 2_500), *[Fault("refuse")] * 20]
    async with soniox(*dying) as (first, one), soniox() as (second, _):
        stt = Fallback([*one.candidates, Candidate("second", remote(second).provider)])
        recognizers: Any = Vendors(stt)
        async with (
            serving(recognizers=recognizers) as service,
            service.client("encoding=mulaw") as client,
        ):
            assert (await client.hear())["type"] == "session_started"
            speaking = asyncio.create_task(speak(client))
            async with asyncio.timeout(60):
                while (message := await client.hear())["type"] == "transcription":
                    if message["is_final"]:
                        finals.append(message)
            await speaking
        assert message["type"] == "session_ended"
        words = [word for final in finals for word in final["words"]]
        assert [(w["text"], w["start_ms"], w["end_ms"]) for w in words] == said_in(SCRIPT)
        assert [final["sequence"] for final in finals] == list(range(1, len(finals) + 1))
        # Both were sent audio.
        assert all(any(log.audio_bytes for log in standin.stt) for standin in (first, second))
