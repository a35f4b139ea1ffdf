"""What tests of telephony share: deployments, and Twilio's REST API."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.store import Store
from tests.vendors.twilio_rest.fixtures import server, twilio

from .deployment import Deployment, settings

__all__ = ["deployment", "lonely", "server", "twilio"]


@pytest.fixture
def deployment(tmp_path: Path, store: Store) -> Deployment:
    """A worker with Redis."""
    return Deployment(settings(tmp_path), store)


@pytest.fixture
def lonely(tmp_path: Path, no_store: Store) -> Deployment:
    """A worker whose Redis is away."""
    return Deployment(settings(tmp_path), no_store)
