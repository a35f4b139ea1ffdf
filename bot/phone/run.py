"""Many simulated calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from .balancer import Balancer
from .call import place_call_by
from .config import PhoneConfig
from .events import OnEvent
from .exchange import Exchange
from .result import CallResult
from .steps import Step

__all__ = ["place_calls"]


async def place_calls(
    config: PhoneConfig,
    steps: Sequence[Step],
    calls: int,
    *,
    on_event: OnEvent | None = None,
    exchange: Exchange | None = None,
) -> list[CallResult]:
    """Make `calls` calls at the same time, each doing all of `steps`; results in their order.

    Raises:
        AddressError: an address in `config` is none.
    """
    async with (
        Balancer(config.public_url, config.addresses) as balancer,
        asyncio.TaskGroup() as tasks,
    ):
        placed = [
            tasks.create_task(place_call_by(balancer, config, steps, on_event, exchange))
            for _ in range(calls)
        ]
    return [call.result() for call in placed]
