"""The worker that is attacked."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bot.observed import Observed, observed_worker

from .streams import HOSTILE_NUMBER

__all__ = ["attacked_worker"]


@asynccontextmanager
async def attacked_worker(dialog: str, callers: int) -> AsyncIterator[Observed]:
    """A worker with recognizers for the callers, and one that costs nothing for the attackers."""
    with tempfile.TemporaryDirectory(prefix="parley-hostile-") as folder:
        settings = {
            "PARLEY_CONFIG": _config(Path(folder)),
            "PARLEY_STT_PROVIDER": "pocketsphinx",
            # A caller may call again while the call before is still being put away.
            "PARLEY_POCKETSPHINX_PROCESSES": str(2 * callers),
        }
        async with observed_worker(dialog, **settings) as worker:
            yield worker


def _config(folder: Path) -> str:
    file = folder / "parley.toml"
    file.write_text(f'[numbers."{HOSTILE_NUMBER}"]\nstt_provider = "deaf"\n')
    return str(file)
