"""The same clients with the bare echo: what carrying their messages costs in any case."""

from __future__ import annotations

import asyncio

from bot.bench.calls.children import ChildFailed, serving_child
from bot.bench.calls.cores import Cores
from bot.bench.calls.measured import MOST_OWN_LATENESS_MS, spread
from bot.bench.calls.process import Usage
from bot.bench.calls.quiet import no_garbage
from bot.bench.calls.sockets import HandshakeRefused, connect
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
    core = None if cores is None else cores.worker
    async with serving_child(MODULE, core=core) as (process, port):
        speakers = await _connect(scene, port, sessions, message_ms)
        scene.wheel.start()
        try:
            with no_garbage():
                await asyncio.sleep(settle_s)
                before = Usage.of(process.pid)
                await asyncio.sleep(seconds)
                after = Usage.of(process.pid)
        finally:
            scene.wheel.stop()
            for speaker in speakers:
                speaker.abort()
    return _result(scene.seen, sessions, before, after)


async def _connect(scene: Scene, port: int, sessions: int, message_ms: int) -> list[EchoSpeaker]:
    speakers = [EchoSpeaker(scene, number, sessions, message_ms) for number in range(sessions)]
    try:
        for speaker in speakers:
            await connect(speaker, f"ws://127.0.0.1:{port}/", {})
            speaker.speak()
    except (HandshakeRefused, OSError) as error:
        raise ChildFailed(f"the bare echo does not answer: {error}") from None
    return speakers


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
