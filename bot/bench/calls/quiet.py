"""Nothing of our own while something is measured."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_garbage"]


@contextmanager
def no_garbage() -> Iterator[None]:
    """Let no collection of garbage make the phones late."""
    frozen = gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        # What others have frozen stays so, and ours with it: they cannot be told apart.
        if not frozen:
            gc.unfreeze()
