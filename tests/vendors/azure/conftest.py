"""A recording that stand-ins know, and a stand-in for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .standin import AzureStandIn


@pytest.fixture(scope="session")
def script() -> Script:
    """Two sentences, and pauses in which it is sure that they are over.

    They take less than five seconds: what is longer the SDK sends no faster than it is spoken.
    """
    return computed_script(["Hello, this is Parley.", "May I help?"], pause_ms=800)


@pytest_asyncio.fixture
async def standin(script: Script) -> AsyncIterator[AzureStandIn]:
    async with AzureStandIn(OracleHearing(script)) as standin:
        yield standin
