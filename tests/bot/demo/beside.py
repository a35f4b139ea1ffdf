"""The whole demo, run beside the other tests.

It takes half a minute of real time and next to no computing. So it is started when the tests have
been collected, and judged by the last of them.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .running import running

__all__ = ["WholeDemo"]


class WholeDemo:
    """A demo in progress: `folder` is for its temporary files, `out` for what it leaves."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        # Not pytest's folder: its path would be too long for Redis's socket.
        folder, out = (
            Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
            for _ in range(2)
        )
        self.folder = folder
        self.out = out
        self.process: subprocess.Popen[bytes] = self._stack.enter_context(
            running(folder, "--out", str(out))
        )

    def close(self) -> None:
        """End it, if it has not ended, and remove what it left."""
        self._stack.close()
