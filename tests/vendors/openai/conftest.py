"""A recording that stand-ins know, a stand-in for each test, and the official client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

from .standin import OpenAiStandIn


@pytest.fixture(scope="session")
def script() -> Script:
    """Two sentences, 6 s in all."""
    return computed_script(["Hello, this is Parley.", "How may I help you today?"])


@pytest_asyncio.fixture
async def standin(script: Script) -> AsyncIterator[OpenAiStandIn]:
    async with OpenAiStandIn(OracleHearing(script)) as standin:
        yield standin


@pytest_asyncio.fixture
async def client(standin: OpenAiStandIn) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key=standin.api_key, base_url=standin.api_url, max_retries=0
    ) as client:
        yield client
