"""Many simulated calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from .balancer import check_address
from .call import PhoneConfig, place_call
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
    for address in (config.public_url, *config.addresses):
        check_address(address)
    async with asyncio.TaskGroup() as tasks:
        placed = [
            tasks.create_task(place_call(config, steps, on_event=on_event, exchange=exchange))
            for _ in range(calls)
        ]
    return [call.result() for call in placed]
