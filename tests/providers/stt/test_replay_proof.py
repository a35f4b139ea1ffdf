"""A minute of speech whose connection breaks more than ten times: not one word is another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.providers.broken import EVERYWHERE, long_script, random_faults, recognize
from tests.vendors.soniox.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import said_in


@pytest.fixture(scope="module")
def computed() -> Script:
    return long_script(None)


@virtual_time_on_sockets
async def test_recorded_speech_is_whole(recordings: Path) -> None:
    script = long_script(recordings)
    assert script.format.duration_ms(len(script.audio)) >= 60_000
    undisturbed, connections = await recognize(script, [])
    assert connections == 1
    assert undisturbed.words == said_in(script)
    broken, connections = await recognize(script, EVERYWHERE)
    assert (broken.error, connections) == (None, len(EVERYWHERE) + 1)
    assert broken.words == undisturbed.words


@virtual_time_on_sockets
async def test_computed_speech_is_whole(computed: Script) -> None:
    assert computed.format.duration_ms(len(computed.audio)) >= 60_000
    broken, connections = await recognize(computed, EVERYWHERE)
    assert (broken.error, connections) == (None, len(EVERYWHERE) + 1)
    assert broken.words == said_in(computed)


@virtual_time_on_sockets
async def test_speech_is_whole_wherever_it_is_broken(computed: Script) -> None:
    faults = random_faults(random.Random(7))
    broken, connections = await recognize(computed, faults)
    assert (broken.error, connections) == (None, len(faults) + 1)
    assert broken.words == said_in(computed)
