"""A minute of speech whose connection breaks more than ten times: not one word is another."""

from __future__ import annotations

import random

import pytest

from tests.conftest import RECORDINGS
from tests.providers.broken import EVERYWHERE, long_script, random_faults, recognize
from tests.vendors.speech.script import Script
from tests.virtual_time import virtual_time_on_sockets

from .streaming import said_in


@pytest.fixture(scope="module")
def computed() -> Script:
    return long_script(None)


@pytest.fixture(scope="module")
def speech(computed: Script) -> Script:
    """Recorded where there are recordings beside the checkout."""
    return long_script(RECORDINGS) if RECORDINGS.is_dir() else computed


@virtual_time_on_sockets
async def test_speech_is_whole_though_it_is_broken_everywhere(speech: Script) -> None:
    assert speech.format.duration_ms(len(speech.audio)) >= 60_000
    undisturbed, connections = await recognize(speech, [])
    assert (undisturbed.error, connections) == (None, 1)
    assert undisturbed.words == said_in(speech)
    broken, connections = await recognize(speech, EVERYWHERE)
    assert (broken.error, connections) == (None, len(EVERYWHERE) + 1)
    assert broken.words == undisturbed.words


@virtual_time_on_sockets
async def test_speech_is_whole_wherever_it_is_broken(computed: Script) -> None:
    assert computed.format.duration_ms(len(computed.audio)) >= 60_000
    faults = random_faults(random.Random(7))
    broken, connections = await recognize(computed, faults)
    assert (broken.error, connections) == (None, len(faults) + 1)
    assert broken.words == said_in(computed)
