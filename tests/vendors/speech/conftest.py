"""A recording that stand-ins know."""

from __future__ import annotations

import pytest

from .recordings import computed_script
from .script import Script


@pytest.fixture(scope="session")
def script() -> Script:
    """Two sentences, 6 s in all."""
    return computed_script(["Hello, this is Parley.", "How may I help you today?"])
