"""A small round of sessions with a real worker, and what goes wrong with sessions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from starlette.applications import Starlette

from bot.bench.calls.cores import two_cores
from bot.bench.calls.recordings import load_material
from bot.bench.calls.rounds import Pace
from bot.bench.calls.wheel import Wheel
from bot.bench.stt.baseline import run_echo
from bot.bench.stt.crowd import Crowd, wrong_with
from bot.bench.stt.measured import Echo
from bot.bench.stt.rig import rig
from bot.bench.stt.rounds import run_round, times_of, warm_up
from bot.bench.stt.seen import Scene
from bot.bench.stt.speaker import Speaker
from bot.bench.stt.speech import make_speech, word
from tests.serving import serving_app

pytestmark = pytest.mark.real_time


async def test_sessions_with_a_worker(tmp_path: Path) -> None:
    pace = Pace(warm_s=0.1, settle_s=0.1, rest_s=0.1)
    with two_cores() as cores:
        async with rig(load_material(), 8, cores, tmp_path) as ready:
            idle = await warm_up(ready, 1, pace)
            echo = await run_echo(ready.scene.speech, 6, 20, 0.2, 0.05, cores)
            result = await run_round(ready, 6, 20, 1.0, pace, idle, echo)
    # How late something was depends on what else the machine does.
    assert [
        fault for fault in result["faults"] if "late" not in fault and "core" not in fault
    ] == []
    assert result["lost"] == 0
    assert result["started_ms"]["count"] == 6
    assert result["clients_late_ms"]["count"] > 0
    # The recognizer gets 100 ms at a time, the bare echo 20.
    assert 0 < result["in_ms"]["count"] < result["clients_late_ms"]["count"]
    # Of six that begin all over the track, some speak.
    assert result["overhead_ms"]["count"] > 0
    assert 0 < result["out_ms"]["p50"] <= result["overhead_ms"]["p99"]
    assert echo["echo_ms"]["count"] > 0
    assert result["times_echo"] is None or result["times_echo"] > 0


@pytest.mark.parametrize(
    ("of_echo", "void", "times"), [(0.5, False, 4.0), (0.5, True, None), (0.0, False, None)]
)
def test_an_echo_that_shows_nothing_is_no_measure(
    of_echo: float, void: bool, times: float | None
) -> None:
    echo = cast(Echo, {"cpu_percent_per_session": of_echo, "void": void})
    assert times_of(2.0, echo) == times


def speaker() -> Speaker:
    """One whose session has ended, and was all right."""
    one = Speaker(Scene(make_speech(load_material().track), Wheel()), 3, 8, 100)
    one.sent = one.heard = 6_400
    one.streams = 1
    one.finals = [word(1), word(2)]
    one.told, one.whole = ["w1", "w2"], "w1 w2"
    return one


async def test_what_is_wrong_with_a_session_is_said() -> None:
    assert wrong_with([speaker()]) == []
    lost, doubled, deaf, twice, mute = (speaker() for _ in range(5))
    lost.told = ["w1"]
    doubled.told = ["w1", "w1 w2"]
    deaf.heard -= 640
    twice.streams = 2
    mute.whole = None
    mute.errors.append("error: internal")
    assert wrong_with([speaker(), lost, doubled, deaf, twice, mute]) == [
        "1 sessions had an error: 3, error: internal",
        "1 sessions were not told the end: 3, error: internal",
        "1 sessions had audio that did not come to the vendor as it was sent: 3",
        "1 sessions had another number of the vendor's streams than one: 3",
        "3 sessions had words that were lost, or came twice: 3, 3, 3, error: internal",
    ]


async def test_a_session_that_cannot_begin_is_a_fault() -> None:
    scene = Scene(make_speech(load_material().track), Wheel())
    async with asyncio.timeout(10), serving_app(Starlette()) as served:
        crowd = Crowd(scene, served.url, 2, 100)
        await crowd.begin()
        await crowd.end()
    assert crowd.speakers == []
    (fault,) = crowd.faults
    assert fault.startswith("2 sessions did not begin: HTTP/1.1 ")
