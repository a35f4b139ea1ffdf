"""What the providers of this machine need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="package")
def whisper_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper model that understands nothing, yet does all that others do."""
    pytest.importorskip("faster_whisper")
    from tests.providers.stt.whisper_model import make_model

    return make_model(tmp_path_factory.mktemp("whisper"))
