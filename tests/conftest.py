"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recorded speech (8 kHz µ-law), kept beside the checkout; skips when it is not there."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded speech at {RECORDINGS}")
    return RECORDINGS
