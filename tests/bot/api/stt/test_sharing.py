"""Recognizers that sessions and calls share: who is counted, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.api.stt.asked import SessionRequest
from bot.api.stt.faults import Fault
from bot.api.stt.sessions import Sessions
from bot.api.stt.tally import Tally
from bot.metrics import Metrics
from providers.fallback import Fallback
from providers.types import SttProvider
from tests.bot.engines import Recognizer
from tests.virtual_time import virtual_time_on_sockets

from .served import ANYBODY, Service, service_of

PLAIN = SessionRequest()


class One:
    """Gives a recognizer with room for so many streams."""

    def __init__(self, engine: Recognizer, room: int) -> None:
        self._stt: Fallback[SttProvider] = Fallback.alone(engine)
        self._room = room

    def of(
        self, request: SessionRequest, taken: Mapping[str, int] | None = None
    ) -> Fallback[SttProvider]:
        if (taken or {}).get("recognizer", 0) + request.streams > self._room:
            raise Fault("too_many_sessions", "it is taken")
        return self._stt


def sessions_of(service: Service, room: int, calls: int) -> Sessions:
    return Sessions(
        service.settings,
        recognizers=One(service.engine, room),  # type: ignore[arg-type]
        ears=service.ears,
        store=service.store,
        access=service.gate,  # type: ignore[arg-type]
        inbox=service.inbox,
        tally=Tally(Metrics()),
        calls=lambda: Counter(recognizer=calls),
    )


@virtual_time_on_sockets
async def test_a_session_does_not_take_what_a_call_has() -> None:
    async with service_of() as service:
        sessions = sessions_of(service, room=3, calls=2)
        session = await sessions.open(PLAIN, ANYBODY, door="stream")
        assert sessions.recognizing == {"recognizer": 1}
        with pytest.raises(Fault, match="too_many_sessions"):
            await sessions.open(PLAIN, ANYBODY, door="stream")
        assert service.gate.open == [session.id]
        # What it has itself is not in its way.
        await session.configure(replace(PLAIN, language="fr-FR"))
        assert service.engine.open == 1
        await sessions.leave(session)
        assert sessions.recognizing == {}
        again = await sessions.resume(replace(PLAIN, session_id=session.id), ANYBODY)
        assert sessions.recognizing == {"recognizer": 1}
        await again.finish("client")
        assert sessions.recognizing == {}


@virtual_time_on_sockets
async def test_two_speakers_take_two() -> None:
    split = replace(PLAIN, channels=2, stereo="split")
    async with service_of() as service:
        sessions = sessions_of(service, room=3, calls=0)
        session = await sessions.open(split, ANYBODY, door="stream")
        assert sessions.recognizing == {"recognizer": 2}
        assert service.engine.open == 2
        with pytest.raises(Fault, match="too_many_sessions"):
            await sessions.open(split, ANYBODY, door="stream")
        await session.finish("client")
