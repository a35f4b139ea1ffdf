"""Sessions are looked after as time passes: written down, and brought to their end when due."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from .access import SttAccess
from .faults import Fault
from .held import CHUNK, Held
from .roster import Roster
from .settings import SttServiceSettings

__all__ = ["LOOK_S", "RESUME_S", "TOUCH_EVERY", "Upkeep"]

log = structlog.get_logger(__name__)

RESUME_S = 30.0
"""So long a session whose client is gone stays here, and its recognizer waits."""
LOOK_S = 1.0
TOUCH_EVERY = 5
"""Of how many looks one is written down."""


class Upkeep:
    """Looks after the sessions of one worker.

    Args:
        roster: which they are.
        settings: their limits.
        access: who may have them.
    """

    def __init__(self, roster: Roster, settings: SttServiceSettings, access: SttAccess) -> None:
        self._roster = roster
        self._settings = settings
        self._access = access

    async def run(self) -> None:
        """Look after all sessions, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(LOOK_S)
                for held in self._roster:
                    if held.begun and not held.ending and self._is_due(held):
                        held.ending = True
                        group.create_task(self._bring_to_end(held))

    def _is_due(self, held: Held) -> bool:
        """See to one session; whether it is to be brought to its end, or forgotten."""
        session, now_s = held.session, _now_s()
        held.looks += 1
        if held.left_s is not None:
            held.due = None
            return not self._stays(held, now_s) or (session.over and session.opened)
        if session.over:
            return held.door == CHUNK
        session.look_after(now_s)
        if held.looks % TOUCH_EVERY == 0:
            self._roster.touch(session)
        held.due = held.why_end(self._settings, now_s) or self._access.why_end(session.principal)
        return held.due is not None

    def _stays(self, held: Held, now_s: float) -> bool:
        """Whether one that was left may still be taken up here."""
        stays_s = min(RESUME_S, self._settings.stt_idle_s)
        waits = held.left_s is not None and now_s - held.left_s < stays_s
        return waits and held.lost is None

    async def _bring_to_end(self, held: Held) -> None:
        try:
            if held.session.over and self._stays(held, _now_s()):
                # Whoever recognized one of its channels has failed: nobody else is needed.
                await held.session.close()
            elif held.due is None or held.session.over:
                await self._forget(held)
            else:
                # Of one that cannot be understood to its end its client is told; it may resume it.
                with suppress(Fault):
                    await held.session.finish(held.due.code, held.due)
        except Exception:
            # One session's trouble must not end the worker.
            log.exception("a session was not ended in order", session=held.session.id)
        finally:
            held.ending = False

    async def _forget(self, held: Held) -> None:
        session = held.session
        async with self._roster.turn(session.id):
            if self._roster.of(session) is not held:
                return  # its client has just come back
            if held.lost is None:
                # Nobody sends what was not understood again: half a word is better than none.
                await self._roster.let_go(held, None, again=False)
            await self._roster.forget(held)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
