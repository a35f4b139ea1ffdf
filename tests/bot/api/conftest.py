"""What tests of the API share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.api.keys.store import KeyStore


@pytest.fixture
async def keys(redis_url: str, redis_prefix: str) -> AsyncIterator[KeyStore]:
    """A store of this test's own."""
    store = KeyStore(redis_url, prefix=redis_prefix, deadline_s=10)
    yield store
    await store.aclose()
