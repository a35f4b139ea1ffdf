"""Has schemathesis try a real worker's HTTP service by the OpenAPI description that it serves.

From a shell: `python -m tests.bot.api.stt.schemathesis_proof --max-examples 200`; other options go
to schemathesis, too.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bot.running import running_worker

__all__ = ["prove"]

KEY = "a-key-for-schemathesis"
CONFIG = Path(__file__).with_name("schemathesis.toml")
DEADLINE_S = 1800.0


async def prove(*options: str, deadline_s: float = DEADLINE_S, **settings: str) -> tuple[int, str]:
    """Try a worker; the exit code of schemathesis, 0 when it found nothing, and what it said.

    Args:
        options: of schemathesis.
        deadline_s: how long it may take.
        settings: of the worker.
    """
    with tempfile.TemporaryDirectory(prefix="parley-schemathesis-") as folder:
        async with running_worker(PARLEY_API_KEY=KEY, **settings) as worker:
            process = await asyncio.create_subprocess_exec(
                *(Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG, "run"),
                f"{worker.phone.public_url}/stt/openapi.json",
                *("--header", f"Authorization: Bearer {KEY}", "--checks", "all", "--no-color"),
                *options,
                cwd=folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                async with asyncio.timeout(deadline_s):
                    said, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            log = worker.log.read_text("utf-8")
    faults = [line for line in log.splitlines() if '"level":"error"' in line]
    code = process.returncode or len(faults)
    return code, "\n".join([said.decode(), *faults])


def main(options: Sequence[str]) -> int:
    """Try with such options of schemathesis; 1 when it found something."""
    code, said = asyncio.run(prove(*options, PARLEY_VAD="energy"))
    print(said)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
