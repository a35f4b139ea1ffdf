"""The call of a proof: what the caller says, and the moments at which harm is done."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import bot.demo
from bot.phone.clip import load_clip
from bot.phone.events import EventKind
from bot.phone.steps import HangUp, Play, Step, WaitForBot

from .caller import Caller
from .deployment import Deployment
from .dialogs import HOOK_S

__all__ = ["FRIDAY", "TALK", "TALK_TWICE", "WHEN", "Moment"]

FRIDAY = load_clip(Path(bot.demo.__file__).parent / "friday.ulaw")

IN_SPEECH_MS = (700, 1_000)
"""Of the recording: when the worker must have noticed that it has begun, and it is not over."""

Moment = Callable[[Caller, Deployment, random.Random], Awaitable[None]]
"""Waits for a moment of a call at which harm is to be done."""

TALK: tuple[Step, ...] = (WaitForBot(), Play(FRIDAY), WaitForBot(), HangUp())
# A caller who was not heard says it again.
TALK_TWICE: tuple[Step, ...] = (
    *(WaitForBot(), Play(FRIDAY), WaitForBot(5_000)),
    *(Play(FRIDAY), WaitForBot(), HangUp()),
)


async def in_greeting(caller: Caller, house: Deployment, chance: random.Random) -> None:
    begun = await caller.reach(EventKind.BOT_STARTED)
    await caller.until(begun.at_ms + chance.uniform(0, 4_300))


async def in_answer(caller: Caller, house: Deployment, chance: random.Random) -> None:
    await house.journal.wait(caller.sid, "answered")
    await asyncio.sleep(chance.uniform(0.05, 2.9))


async def in_hook(caller: Caller, house: Deployment, chance: random.Random) -> None:
    await caller.reach(EventKind.STEP_STARTED)
    await house.journal.wait(caller.sid, "asked")
    await asyncio.sleep(chance.uniform(0, HOOK_S))


async def in_speech(caller: Caller, house: Deployment, chance: random.Random) -> None:
    begun = await caller.reach(EventKind.STEP_STARTED)
    await caller.until(begun.at_ms + chance.uniform(*IN_SPEECH_MS))


WHEN: dict[str, Moment] = {
    "greeting": in_greeting,
    "answer": in_answer,
    "hook": in_hook,
    "caller": in_speech,
}
