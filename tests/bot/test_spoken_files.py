"""Two recorded people talk to a real worker; `python -m tests.bot.spoken_files` calls with all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.phone.call import place_call
from bot.phone.clip import load_clip
from bot.phone.steps import HangUp, Play, Wait, WaitForBot

from .running import running_worker
from .spoken_files import talk, transcripts, word_error

pytestmark = pytest.mark.real_time

FILES = ("go_somewhere", "austen_0930")


async def test_recorded_people_are_understood_and_a_voicemails_beep_is_not(
    recordings: Path,
) -> None:
    said = transcripts(recordings)
    clips = [load_clip(recordings / f"{name}.ulaw") for name in FILES]
    beep = (WaitForBot(), Play(load_clip(recordings / "prompt_beep.ulaw")), Wait(2_000), HangUp())
    async with running_worker(PARLEY_DIALOG="echo") as worker, asyncio.TaskGroup() as group:
        talks = [
            group.create_task(talk(worker.phone, clip, said[name]))
            for name, clip in zip(FILES, clips, strict=True)
        ]
        beeping = group.create_task(place_call(worker.phone, beep))
        await asyncio.wait([*talks, beeping])
    outcomes = [task.result() for task in talks]
    for outcome in outcomes:
        assert outcome.problems == ()
        assert outcome.endpointing_ms >= 450
    words = [outcome.understood for outcome in outcomes]
    assert word_error([said[name] for name in FILES], words) < 40
    beeped = beeping.result()
    assert beeped.record is not None
    assert [entry["role"] for entry in beeped.record["history"]] == ["bot"]
    assert beeped.faults == ()


def test_seven_people_are_known(recordings: Path) -> None:
    assert len(transcripts(recordings)) == 7
