"""The same phones with the bare echo: what carrying their frames costs in any case."""

from __future__ import annotations

from .cores import Cores
from .echoing import echoed
from .line import Line, Seen
from .measured import MOST_OWN_LATENESS_MS, Echo, spread
from .phones import EchoPhone
from .process import Usage
from .script import Track
from .sockets import connect
from .wheel import Wheel

__all__ = ["run_echo"]

MODULE = "bot.bench.calls.echo"


async def run_echo(
    track: Track, calls: int, seconds: float, settle_s: float, cores: Cores | None
) -> Echo:
    """Have the frames of so many phones echoed, and measure for so long.

    Raises:
        ChildFailed: the echo does not run.
    """
    line = Line(track, Wheel(), Seen())
    phones = [EchoPhone(line, number, calls) for number in range(calls)]

    async def call(port: int) -> None:
        for phone in phones:
            await connect(phone, f"ws://127.0.0.1:{port}/", {})
            phone.begin(f"AC{'0' * 32}", f"CA{'0' * 32}", {})

    core = None if cores is None else cores.worker
    before, after = await echoed(MODULE, core, line.wheel, phones, call, seconds, settle_s)
    return _result(line.seen, calls, seconds, before, after)


def _result(seen: Seen, calls: int, seconds: float, before: Usage, after: Usage) -> Echo:
    cpu_percent = after.percent_since(before)
    phones_late_ms = spread(seen.frame_lateness.within(before.at_s, after.at_s))
    return Echo(
        calls=calls,
        seconds=seconds,
        cpu_percent=cpu_percent,
        cpu_percent_per_call=cpu_percent / calls,
        echo_ms=spread(seen.echoes.within(before.at_s, after.at_s)),
        phones_late_ms=phones_late_ms,
        void=phones_late_ms["p99"] > MOST_OWN_LATENESS_MS,
    )
