"""The calls that go on meanwhile: each must be what it is when nothing else happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.phone.call import PhoneConfig, place_call
from bot.phone.measure import percentile
from bot.phone.result import CallResult
from bot.phone.steps import Step

__all__ = [
    "STAGGER_S",
    "Conversation",
    "Pace",
    "attacked",
    "calls_until",
    "harm",
    "pace_of",
    "undisturbed",
]

STAGGER_S = 5.0
"""Callers that all speak at the same moment would wait for the recognizers' share of two cores."""
STRETCH_MS = 60
"""A reply of the bot's that takes so much longer than undisturbed had a hole: frames were late."""
SLOWER_MS = 250


@dataclass(frozen=True, slots=True)
class Conversation:
    """What every caller does, and what is wrong with a call (nothing, it is hoped)."""

    steps: Callable[[], Sequence[Step]]
    judge: Callable[[CallResult], list[str]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls were.

    Attributes:
        greeting_ms, response_ms: the longest waits of their callers.
        response_p95_ms: of all answers.
        spoken_ms: by what the bot said: the longest that it took.
        phone_late_ms: by how much the phones themselves were late at worst.
    """

    calls: int
    greeting_ms: float
    response_ms: float
    response_p95_ms: float
    spoken_ms: dict[str, float]
    phone_late_ms: float


async def undisturbed(phone: PhoneConfig, callers: int, conversation: Conversation) -> Pace:
    """How the calls are by themselves.

    Raises:
        AssertionError: they are not even then what they must be.
    """
    results = await calls_until(phone, callers, conversation, lambda: True)
    pace = pace_of(results)
    faults = harm(results, conversation.judge, pace)
    assert not faults, faults
    return pace


async def attacked(
    phone: PhoneConfig,
    callers: int,
    conversation: Conversation,
    pace: Pace,
    over: Callable[[], bool],
) -> tuple[Pace, list[str]]:
    """How they are as long as an attack lasts, and what is worse than undisturbed."""
    results = await calls_until(phone, callers, conversation, over)
    return pace_of(results), harm(results, conversation.judge, pace)


async def calls_until(
    phone: PhoneConfig, callers: int, conversation: Conversation, over: Callable[[], bool]
) -> list[CallResult]:
    """Callers that call again and again until it is over: soon so many calls go on at any time."""
    results: list[CallResult] = []

    async def caller(number: int) -> None:
        await asyncio.sleep(number * STAGGER_S)
        while True:
            results.append(await place_call(phone, conversation.steps()))
            if over():
                return

    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            group.create_task(caller(number))
    return results


def pace_of(results: Sequence[CallResult]) -> Pace:
    spoken: dict[str, float] = {}
    for turn in (turn for result in results for turn in result.turns):
        whole = turn.role == "bot" and not turn.interrupted and turn.text
        if whole and turn.start_ms is not None and turn.end_ms is not None:
            took_ms = turn.end_ms - turn.start_ms
            spoken[str(turn.text)] = max(took_ms, spoken.get(str(turn.text), 0.0))
    responses = [ms for result in results for ms in result.latencies.response]
    return Pace(
        len(results),
        max((result.latencies.greeting or 0.0 for result in results), default=0.0),
        max(responses, default=0.0),
        percentile(responses, 95) or 0.0,
        spoken,
        max((ms for result in results for ms in result.traffic.late_ms), default=0.0),
    )


def harm(
    results: Sequence[CallResult], judge: Callable[[CallResult], list[str]], undisturbed: Pace
) -> list[str]:
    """What was wrong with the calls, compared with undisturbed ones."""
    faults = [f"{result.call_sid}: {fault}" for result in results for fault in judge(result)]
    pace = pace_of(results)
    for text, took_ms in pace.spoken_ms.items():
        stretched_ms = took_ms - undisturbed.spoken_ms.get(text, took_ms)
        if stretched_ms > STRETCH_MS:
            faults.append(f"{text!r} took {stretched_ms:.0f} ms longer: its frames were late")
    slower_ms = pace.response_p95_ms - undisturbed.response_p95_ms
    if slower_ms > SLOWER_MS:
        faults.append(f"95 % of the answers came up to {slower_ms:.0f} ms later than undisturbed")
    return faults
