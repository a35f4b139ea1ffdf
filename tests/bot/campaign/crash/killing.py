"""Who is killed, and when."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Literal

from tests.bot.redis_process import RedisProcess

from .dialers import Dialers
from .gate import HELD, Gate, Held, How

__all__ = ["Killer"]

Victim = Literal["asking", "any", "redis"]

SHARES: dict[Victim, float] = {"asking": 0.55, "any": 0.4, "redis": 0.05}
PATIENCE_S = 2.0
"""So long somebody may take to ask for a call; then the campaign has none to make just now."""
SOON_S = 0.3


class Killer:
    """Kills one after another.

    Attributes:
        killed: how many, by who they were and what they did.
    """

    def __init__(
        self,
        gate: Gate,
        dialers: Dialers,
        redis: RedisProcess,
        chance: random.Random,
        late_s: float,
    ) -> None:
        self.killed: Counter[str] = Counter()
        self._gate = gate
        self._dialers = dialers
        self._redis = redis
        self._chance = chance
        self._late_s = late_s

    @property
    def kills(self) -> int:
        """How many there were."""
        return self.killed.total()

    @property
    def asking(self) -> int:
        """How many of them asked Twilio for a call just then."""
        return sum(count for what, count in self.killed.items() if what.startswith("asking"))

    async def kill(self, tasks: asyncio.TaskGroup) -> None:
        """Kill somebody at a moment of chance.

        Args:
            tasks: in which what was held goes on, later.
        """
        (victim,) = self._chance.choices(list(SHARES), list(SHARES.values()))
        if victim == "asking":
            await self._kill_asking(self._chance.choice(HELD), tasks)
            return
        await asyncio.sleep(self._chance.uniform(0, SOON_S))
        if victim == "redis":
            await self._redis.kill()
            await self._redis.start()
            self.killed["redis"] += 1
        else:
            await self._kill_any()

    async def _kill_asking(self, how: How, tasks: asyncio.TaskGroup) -> None:
        held, late_s = self._gate.hold(how), self._chance.uniform(0, self._late_s)
        try:
            async with asyncio.timeout(PATIENCE_S):
                port = await held.port
        except TimeoutError:
            self._gate.let_pass()
            await self._kill_any()
            return
        await self._kill(port)
        self.killed[f"asking, carried out {how}"] += 1
        tasks.create_task(_go_on(held, late_s))

    async def _kill_any(self) -> None:
        await self._kill(self._chance.choice(self._dialers.ports))
        self.killed["dialer at any moment"] += 1

    async def _kill(self, port: int) -> None:
        await self._dialers.kill(port)
        await self._dialers.start(port)


async def _go_on(held: Held, late_s: float) -> None:
    await asyncio.sleep(late_s)
    held.go.set()
