"""What calls have used is given back, and what stays is left in peace."""

from __future__ import annotations

import asyncio
import gc
import weakref

from bot.memory import give_back, give_back_after_calls, settle
from tests.virtual_time import virtual_time


class Knot:
    """Something that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


def knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


@virtual_time
async def test_memory_is_given_back_once_when_the_last_call_has_ended() -> None:
    gc.disable()
    active = 0
    task = asyncio.create_task(give_back_after_calls(lambda: active))
    try:
        left = knot()
        await asyncio.sleep(10)
        assert left() is not None, "nobody has called yet"
        active = 2
        await asyncio.sleep(10)
        assert left() is not None, "somebody would hear the pause"
        active = 0
        await asyncio.sleep(2)
        assert left() is None
        left = knot()
        await asyncio.sleep(10)
        assert left() is not None, "nobody has called since"
    finally:
        task.cancel()
        await asyncio.wait([task])
        gc.enable()


def resident_kb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4


def test_pages_go_back_to_the_system() -> None:
    # What lies behind them keeps the heap from shrinking by itself.
    pieces = [bytearray(2_000) for _ in range(20_000)]
    keep = bytearray(2_000)
    before_kb = resident_kb()
    del pieces
    give_back()
    assert before_kb - resident_kb() > 20_000
    assert keep


def test_what_stays_is_out_of_sight() -> None:
    stays = Knot()
    assert any(found is stays for found in gc.get_objects())
    # It is not taken back: all that pytest holds would be looked at again, 0.5 s each time.
    settle()
    assert not any(found is stays for found in gc.get_objects())
