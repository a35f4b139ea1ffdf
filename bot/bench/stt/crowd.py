"""Many sessions at once: begun one after another, and ended one after another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from bot.bench.calls.sockets import HandshakeRefused, connect

from .seen import Scene
from .speaker import Speaker

__all__ = ["Crowd", "wrong_with"]

STEP_S = 0.04
"""So long after one session begins, or ends, the next one does."""
START_S, END_S = 15.0, 15.0
MOST_NAMED = 5
PATH = "/stt/stream?sample_rate=16000&encoding=pcm_s16le"


class Crowd:
    """Clients of one round.

    Args:
        scene: where they are known.
        url: the worker's address.
        count: how many.
        message_ms: how much audio a message of theirs has.

    Attributes:
        speakers: those whose sessions have begun.
    """

    def __init__(self, scene: Scene, url: str, count: int, message_ms: int) -> None:
        self._scene = scene
        self._url = url.replace("http", "ws", 1) + PATH
        self._count = count
        self._message_ms = message_ms
        self.speakers: list[Speaker] = []
        self._refused: Counter[str] = Counter()

    @property
    def faults(self) -> list[str]:
        """Why sessions did not begin."""
        return [f"{count} sessions did not begin: {why}" for why, count in self._refused.items()]

    async def begin(self) -> None:
        """Begin all sessions; returns when each has begun, or could not."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                group.create_task(self._begin(number))

    async def end(self) -> None:
        """End them; returns when each was told all, or is gone."""
        async with asyncio.TaskGroup() as group:
            for at, speaker in enumerate(self.speakers):
                group.create_task(self._end(at, speaker))

    def abort(self) -> None:
        """Drop all connections."""
        for speaker in self.speakers:
            speaker.fall_silent()
            speaker.abort()

    async def _begin(self, number: int) -> None:
        await asyncio.sleep(number * STEP_S)
        speaker = Speaker(self._scene, number, self._count, self._message_ms)
        self._scene.speakers[speaker.first] = speaker
        try:
            await connect(speaker, self._url, {})
            async with asyncio.timeout(START_S):
                await speaker.started.wait()
        except (HandshakeRefused, OSError) as error:
            self._refused[str(error) or type(error).__name__] += 1
            speaker.abort()
            return
        self.speakers.append(speaker)
        speaker.speak()

    async def _end(self, at: int, speaker: Speaker) -> None:
        await asyncio.sleep(at * STEP_S)
        if speaker.gone.is_set():
            speaker.errors.append("the connection was lost")
        speaker.stop()
        try:
            async with asyncio.timeout(END_S):
                await speaker.gone.wait()
        except TimeoutError:
            speaker.errors.append("it was not closed in the end")
            speaker.abort()


def wrong_with(speakers: list[Speaker]) -> list[str]:
    """What was lost, came twice or went wrong in sessions that have ended."""
    checks: dict[str, Callable[[Speaker], bool]] = {
        "had an error": lambda one: bool(one.errors),
        "were not told the end": lambda one: one.whole is None,
        "had audio that did not come to the vendor as it was sent": lambda one: (
            one.strange or one.heard != one.sent
        ),
        "had another number of the vendor's streams than one": lambda one: one.streams != 1,
        "had words that were lost, or came twice": lambda one: (
            " ".join(one.told) != " ".join(one.finals) or one.whole != " ".join(one.finals)
        ),
    }
    faults = []
    for what, wrong in checks.items():
        if found := [one for one in speakers if wrong(one)]:
            named = [str(one.number) for one in found[:MOST_NAMED]]
            named += ["…"] * (len(found) > MOST_NAMED)
            errors = sorted({error for one in found for error in one.errors})[:MOST_NAMED]
            faults.append(f"{len(found)} sessions {what}: {', '.join([*named, *errors])}")
    return faults
