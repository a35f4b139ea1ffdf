"""What importing the speech library costs, and what it brings with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import providers

BUDGET_MS = 60.0
PROGRAM = """
import sys, time
import numpy
began = time.perf_counter()
import providers
print((time.perf_counter() - began) * 1000)
print(*{name.partition(".")[0] for name in sys.modules})
"""
HEAVY = {
    "av",
    "espeakng_loader",
    "faster_whisper",
    "httpx",
    "onnxruntime",
    "openai",
    "pocketsphinx",
}
HEAVY |= {"deepgram", "elevenlabs", "pydantic", "soniox", "structlog", "websockets"}
HEAVY |= {"assemblyai", "azure", "cartesia", "google", "grpc"}


def test_importing_providers_is_cheap() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert min(float(lines[0]) for lines in runs) < BUDGET_MS
    assert not HEAVY & set(runs[0][1].split())


def test_what_it_offers_is_there() -> None:
    assert all(getattr(providers, name).__name__ == name for name in providers.__all__)
    assert set(providers.__all__) <= {name for home in providers._HOMES.values() for name in home}
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        providers.Nothing  # noqa: B018
