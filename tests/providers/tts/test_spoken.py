from __future__ import annotations

from providers.errors import UnavailableError
from providers.tts.spoken import AudioEnd, ContextFailed, Spoken, SpokenEvent, Terminated


def test_every_event_names_its_context() -> None:
    error = UnavailableError("vendor", "down")
    events: list[SpokenEvent] = [
        Spoken("c1", b"\xff"),
        AudioEnd("c1"),
        Terminated("c1"),
        ContextFailed("c1", error),
    ]
    assert {event.context for event in events} == {"c1"}
    assert events[1] != events[2]
