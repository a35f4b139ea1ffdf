"""The long streams, made short: the command of that name makes them as long as they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vendors.azure.limits import Limits as Azure
from tests.virtual_time import virtual_time_on_sockets

from .long_streams import Outcome, long_stream


@pytest.mark.parametrize(
    ("name", "limits", "connections"), [("azure", Azure(connection_s=20.0, silence_ms=5_000), 3)]
)
@virtual_time_on_sockets
async def test_no_word_is_lost_or_doubled(name: str, limits: Any, connections: int) -> None:
    outcome = await long_stream(name, 0.8, frame_ms=100, limits=limits)
    assert outcome.is_right, str(outcome)
    assert outcome.connections == connections


def test_what_is_lost_and_doubled_is_seen() -> None:
    outcome = Outcome(["one", "two", "three"], ["one", "three", "three"], [0, 1, 2])
    assert (outcome.lost, outcome.doubled, outcome.is_right) == (["two"], ["three"], False)
    assert not Outcome(["one", "two"], ["one", "two"], [1, 0]).is_right
    assert Outcome(["one", "two"], ["one", "two"], [0, 1]).is_right
