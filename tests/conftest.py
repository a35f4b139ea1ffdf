"""What every test may use."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from providers.settings import VendorSettings
from tests.scheduling import TwoKinds, give_way

LONGEST = ("real_time", "long")
# The accounts of whoever runs the tests are not for them: nothing may be sent to a vendor.
for _variable in map(str.upper, VendorSettings.model_fields):
    os.environ.pop(_variable, None)
RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"

# The suite starts a hundred Pythons: what one has compiled the others, and the next run, need not.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples in every run, so half of the usual hundred do, and no clock: a test that fails,
# fails for everybody. To look for new examples: pytest --hypothesis-profile=default.
settings.register_profile(
    "parley",
    derandomize=True,
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("parley")


def pytest_configure() -> None:
    """Have this process run as it should beside the others."""
    give_way()
    # Its usual traceback, with colours and all local variables, takes a quarter of a second.
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure([*structlog.get_config()["processors"][:-1], plain])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Have no garbage looked for in eight thousand tests, which stay: it takes half the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        # So long a run looks through all that tests keep again and again: a tenth of its time.
        gc.set_threshold(10_000)
        gc.enable()
        # What is still there at the very end, extensions call a leak.
        atexit.register(gc.unfreeze)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TwoKinds | None:
    """Decide which of several processes runs a file."""
    return TwoKinds(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what lasts longest first, so that no process is left with it at the end."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in LONGEST])


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recorded speech (8 kHz µ-law), kept beside the checkout; skips when it is not there."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded speech at {RECORDINGS}")
    return RECORDINGS
