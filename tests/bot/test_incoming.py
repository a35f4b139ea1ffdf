from __future__ import annotations

import pytest

from bot.incoming import read
from bot.parts import Counts
from media.messages import Connected, Mark, Media
from media.twilio import render_event

STREAM = "MZ" + "0" * 32


@pytest.mark.parametrize("event", [Media(b"\xff" * 160, 1, 20, 2), Mark("m1", 3)])
def test_what_belongs_on_a_stream_is_read(event: Media | Mark) -> None:
    counts = Counts()
    assert read(render_event(event, STREAM), counts) == event
    assert counts.bad_messages == 0


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        b"\x00",
        '{"event":"media"}',
        '{"event":"smoke"}',
        render_event(Connected("Call", "1.0.0"), STREAM),
    ],
)
def test_what_does_not_is_counted_and_ends_nothing(message: str | bytes) -> None:
    counts = Counts()
    assert read(message, counts) is None
    assert counts.bad_messages == 1
