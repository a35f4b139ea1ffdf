"""A few of the messages of `python -m tests.bot.api.stt.fuzz`."""

from __future__ import annotations

import asyncio

from tests.bot.engines import Recognizer

from .fuzz_clients import Fuzz, Played
from .served import LOUD, QUIET, serving

PLAYED = Played("interim_results=1", [LOUD, QUIET], 0.01, "good morning")


async def test_whatever_clients_say_harms_no_session() -> None:
    async with serving(Recognizer(texts=["good morning"] * 1_000)) as service:
        before = asyncio.all_tasks()
        fuzz = Fuzz(f"ws://127.0.0.1:{service.port}", PLAYED, 200, seed=7)
        await fuzz.run(wild=2, heckled=1)
        assert min(fuzz.whole["undisturbed"], fuzz.whole["heckled"]) > 0
        assert fuzz.told["error"] > 20
        assert fuzz.told["complete"]
        await service.sessions.drain()
        await service.settled()
        # Those of connections that were just lost learn of it in a moment.
        async with asyncio.timeout(10):
            while left := asyncio.all_tasks() - before:
                await asyncio.wait(left)
