"""A recording that stand-ins know, and a stand-in for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .standin import GoogleStandIn


@pytest.fixture(scope="session")
def script() -> Script:
    """Two sentences, 6 s in all."""
    return computed_script(["Hello, this is Parley.", "How may I help you today?"])


@pytest_asyncio.fixture
async def standin(script: Script) -> AsyncIterator[GoogleStandIn]:
    async with GoogleStandIn(OracleHearing(script)) as standin:
        yield standin
