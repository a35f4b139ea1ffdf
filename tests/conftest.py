"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recorded speech (8 kHz µ-law), kept beside the checkout, if it is there."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded speech at {RECORDINGS}")
    return RECORDINGS
