"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"

# The same examples in every run, and no clock: a test that fails, fails for everybody. To look for
# new examples: pytest --hypothesis-profile=default.
settings.register_profile(
    "parley", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("parley")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes place in real time first: it lasts longest."""
    items.sort(key=lambda item: item.get_closest_marker("real_time") is None)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recorded speech (8 kHz µ-law), kept beside the checkout; skips when it is not there."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded speech at {RECORDINGS}")
    return RECORDINGS
