"""What tests of the library may use."""

from __future__ import annotations

import os

import pytest

from providers.config import LibrarySettings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user has set from the tests."""
    known = {key.upper() for key in LibrarySettings.model_fields}
    for name in list(os.environ):
        if name in known or name.startswith("PARLEY_"):
            monkeypatch.delenv(name)
