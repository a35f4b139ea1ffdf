"""Processes of the benchmark: on their core, measured, and gone afterwards."""

from __future__ import annotations

import os
import sys
from asyncio.subprocess import create_subprocess_exec

import pytest

from bot.bench.calls.baseline import run_echo
from bot.bench.calls.children import ChildFailed, child, output_of
from bot.bench.calls.cores import pin, two_cores
from bot.bench.calls.process import Usage
from bot.bench.calls.recordings import load_material
from bot.bench.calls.vad_share import measure_vad


def test_this_thread_moves_and_comes_back() -> None:
    before = os.sched_getaffinity(0)
    with two_cores() as cores:
        if len(before) == 1:
            assert cores is None
        else:
            assert cores is not None
            assert {cores.worker, cores.phones} <= before
            assert cores.worker != cores.phones
            assert os.sched_getaffinity(0) == {cores.phones}
    assert os.sched_getaffinity(0) == before


def test_on_one_core_nothing_moves() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        with two_cores() as cores:
            assert cores is None
    finally:
        os.sched_setaffinity(0, before)


async def test_a_process_is_moved_with_all_its_threads() -> None:
    core = max(os.sched_getaffinity(0))
    threads = "import threading as t; t.Thread(target=input).start(); print(flush=True); input()"
    process = await create_subprocess_exec(sys.executable, "-c", threads, stdin=-1, stdout=-1)
    assert process.stdout is not None
    await process.stdout.readline()
    pin(process.pid, core)
    tasks = os.listdir(f"/proc/{process.pid}/task")
    assert len(tasks) == 2
    assert [os.sched_getaffinity(int(task)) for task in tasks] == [{core}] * 2
    await process.communicate(b"\n\n")


def test_what_a_process_uses() -> None:
    before = Usage.of(os.getpid())
    kept = b"x" * 20_000_000
    while (after := Usage.of(os.getpid())).cpu_s - before.cpu_s < 0.05:
        pass
    assert after.resident_mb - before.resident_mb > len(kept) / 1e6 * 0.9
    assert 0 < after.percent_since(before) < 150
    assert 0 <= after.waited_percent_since(before) < 100


async def test_what_a_process_prints() -> None:
    assert b"Usage" in await output_of("bot", "--help", core=None, deadline_s=20)


async def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(ChildFailed, match=r"bot failed: .*No such command"):
        await output_of("bot", "nonsense", core=None, deadline_s=20)


async def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(ChildFailed, match=r"took longer than 0.05 s"):
        await output_of("http.server", "0", core=None, deadline_s=0.05)


async def test_a_process_is_gone_afterwards() -> None:
    async with child("http.server", "0", core=None) as process:
        assert process.returncode is None
    assert process.returncode is not None


async def test_the_bare_echo() -> None:
    with two_cores() as cores:
        echo = await run_echo(load_material().track, 3, 0.3, 0.05, cores)
    # How many there are in so short a time depends on what else the machine does.
    assert echo["echo_ms"]["count"] > 0
    assert echo["phones_late_ms"]["count"] > 0
    assert 0 < echo["echo_ms"]["p50"] <= echo["echo_ms"]["p99"]
    assert echo["cpu_percent_per_call"] == pytest.approx(echo["cpu_percent"] / 3)


def test_what_the_vad_costs_and_what_its_gate_keeps_from_it() -> None:
    cost = measure_vad(calls=1, seconds=10)
    assert cost["model"] == "silero"
    assert cost["ungated_percent"] is not None
    assert 0 < cost["gated_percent"] < 100
    assert 0 < cost["ungated_percent"] < 100
    # All of the speech, which is 45 %, and the half second after it.
    assert cost["passed_share"] == pytest.approx(0.53, abs=0.06)
