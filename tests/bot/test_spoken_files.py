"""Two recorded people talk to a real worker; `python -m tests.bot.spoken_files` calls with all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.phone.call import place_call
from bot.phone.clip import load_clip
from bot.phone.steps import HangUp, Play, Wait

from .running import running_worker
from .spoken_files import talk, transcripts, word_error

FILES = ("go_somewhere", "austen_0930")


async def test_recorded_people_are_understood_and_answered(recordings: Path) -> None:
    said = transcripts(recordings)
    clips = [load_clip(recordings / f"{name}.ulaw") for name in FILES]
    async with running_worker(PARLEY_DIALOG="echo") as worker:
        outcomes = await asyncio.gather(
            *(talk(worker.phone, clip, said[name]) for name, clip in zip(FILES, clips, strict=True))
        )
    for outcome in outcomes:
        assert outcome.problems == ()
        assert outcome.endpointing_ms >= 450
    words = [outcome.understood for outcome in outcomes]
    assert word_error([said[name] for name in FILES], words) < 40


async def test_a_voicemails_beep_starts_no_turn(recordings: Path) -> None:
    beep = load_clip(recordings / "prompt_beep.ulaw")
    async with running_worker(PARLEY_DIALOG="tests.bot.dialogs:silent") as worker:
        steps = (Play(beep), Wait(1_500), HangUp())
        result = await place_call(worker.phone, steps)
    assert result.record is not None
    assert (result.record["history"], result.faults) == ([], ())


def test_seven_people_are_known(recordings: Path) -> None:
    assert len(transcripts(recordings)) == 7
