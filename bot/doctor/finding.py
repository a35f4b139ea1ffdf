"""What was found: one line each, with what to change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["Check", "Finding", "Level", "Tell", "failure", "ok", "run_checks", "warning"]


class Level(StrEnum):
    """How bad it is: a warning does not keep calls from being answered, a failure may."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: which, how it is, and what to change if it is not right."""

    check: str
    level: Level
    text: str
    remedy: str = ""


Tell = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at: tells what it finds, one finding after another.

    What it has not told by its deadline counts as a failure.
    """

    name: str
    run: Callable[[Tell], Awaitable[None]]
    deadline_s: float


def ok(check: str, text: str) -> Finding:
    """A finding that all is well."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, remedy: str) -> Finding:
    """A finding that calls are answered, but."""
    return Finding(check, Level.WARNING, text, remedy)


def failure(check: str, text: str, remedy: str) -> Finding:
    """A finding that calls are not answered, or not as they must be."""
    return Finding(check, Level.FAILURE, text, remedy)


async def run_checks(checks: Sequence[Check], tell: Tell, hide: Callable[[str], str]) -> None:
    """Run the checks at the same time, and tell what they find in the order in which they stand.

    Args:
        checks: what to look at.
        tell: is told each finding, those of a check as soon as all those before it are complete.
        hide: takes secrets out of a text. No check shows one; errors of foreign code might.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(check)) for check in checks]
        for task in tasks:
            for found in await task:
                tell(replace(found, text=hide(_line(found.text)), remedy=hide(_line(found.remedy))))


async def _run(check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(check.deadline_s):
            await check.run(found.append)
    except TimeoutError:
        text = f"not done within {check.deadline_s:g} s"
        found.append(failure(check.name, text, "see what it waits for"))
    except Exception as error:
        # One check's fault must not keep the others from being told.
        text = f"could not be checked: {type(error).__name__}: {error}"
        found.append(failure(check.name, text, "this is a fault of parley doctor: report it"))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())
