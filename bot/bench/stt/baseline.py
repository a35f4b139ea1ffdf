"""The same clients with the bare echo: what carrying their messages costs in any case."""

from __future__ import annotations

from bot.bench.calls.cores import Cores
from bot.bench.calls.echoing import echoed
from bot.bench.calls.measured import MOST_OWN_LATENESS_MS, spread
from bot.bench.calls.process import Usage
from bot.bench.calls.sockets import connect
from bot.bench.calls.wheel import Wheel

from .measured import Echo
from .seen import Scene, Seen
from .speaker import EchoSpeaker
from .speech import Speech

__all__ = ["run_echo"]

MODULE = "bot.bench.stt.echo"


async def run_echo(
    speech: Speech,
    sessions: int,
    message_ms: int,
    seconds: float,
    settle_s: float,
    cores: Cores | None,
) -> Echo:
    """Have the messages of so many clients echoed, and measure for so long.

    Raises:
        ChildFailed: the echo does not run.
    """
    scene = Scene(speech, Wheel())
    speakers = [EchoSpeaker(scene, number, sessions, message_ms) for number in range(sessions)]

    async def speak(port: int) -> None:
        for speaker in speakers:
            await connect(speaker, f"ws://127.0.0.1:{port}/", {})
            speaker.speak()

    core = None if cores is None else cores.worker
    before, after = await echoed(MODULE, core, scene.wheel, speakers, speak, seconds, settle_s)
    return _result(scene.seen, sessions, before, after)


def _result(seen: Seen, sessions: int, before: Usage, after: Usage) -> Echo:
    cpu_percent = after.percent_since(before)
    late_ms = spread(seen.lateness.within(before.at_s, after.at_s))
    return Echo(
        cpu_percent=cpu_percent,
        cpu_percent_per_session=cpu_percent / sessions,
        echo_ms=spread(seen.echoes.within(before.at_s, after.at_s)),
        clients_late_ms=late_ms,
        void=late_ms["p99"] > MOST_OWN_LATENESS_MS,
    )
