"""A vendor's stand-in in a process of its own, which can be killed; it logs what audio it gets."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import orjson

from bot.demo.worker import free_port
from tests.vendors.deepgram.standin import DeepgramStandIn
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script

__all__ = ["KEY", "LOG_EVERY_S", "VENDORS", "VendorProcess"]

KEY = "hush-hush"
VENDORS = {"deepgram": DeepgramStandIn, "soniox": SonioxStandIn}
START_S = 20.0
LOG_EVERY_S = 0.05
"""So far may the log be behind."""


class VendorProcess:
    """One vendor, on a port of its own, which it keeps when it is started again.

    Args:
        name: whose stand-in it is.
        sentences: of the recording that it knows.
        folder: for its log.
    """

    def __init__(self, name: str, sentences: Sequence[str], folder: Path) -> None:
        self.name = name
        self._sentences = tuple(sentences)
        self._log = folder / f"{name}.jsonl"
        self._port = free_port()
        self._process: ForkServerProcess | None = None

    @property
    def settings(self) -> dict[str, str]:
        """How a worker reaches it."""
        urls = {
            "deepgram": {"DEEPGRAM_BASE_URL": f"http://127.0.0.1:{self._port}"},
            "soniox": {"SONIOX_STT_URL": f"ws://127.0.0.1:{self._port}/transcribe-websocket"},
        }
        return {f"{self.name.upper()}_API_KEY": KEY, **urls[self.name]}

    async def start(self) -> None:
        """Have it serve, with an empty log, unless it does already.

        Raises:
            TimeoutError: it does not.
        """
        if self._process is not None and self._process.is_alive():
            return
        self._log.write_bytes(b"")
        context = multiprocessing.get_context("forkserver")
        ready = context.Event()
        arguments = (self.name, self._port, self._sentences, str(self._log), ready)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        # Starting the server that it is forked from, the first time, takes a while.
        await asyncio.to_thread(self._process.start)
        if not await asyncio.to_thread(ready.wait, START_S):
            raise TimeoutError(f"{self.name} does not serve")

    def kill(self) -> None:
        """End it at once: `kill -9`."""
        if self._process is not None and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait until it is gone."""
        if self._process is not None:
            self._process.join(START_S)

    def streams(self) -> list[int]:
        """How many bytes of audio each stream has got, as its log says, the longest first."""
        streams: dict[int, int] = {}
        for line in self._log.read_bytes().splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):  # the killed one's last line
                entry = orjson.loads(line)
                streams[entry["stream"]] = entry["audio_bytes"]
        return sorted(streams.values(), reverse=True)


def _serve(name: str, port: int, sentences: Sequence[str], log: str, ready: Event) -> None:
    asyncio.run(_log_streams(name, port, sentences, Path(log), ready))


async def _log_streams(
    name: str, port: int, sentences: Sequence[str], log: Path, ready: Event
) -> None:
    hearing = OracleHearing(computed_script(sentences))
    logged: dict[int, int] = {}
    with log.open("ab", buffering=0) as output:
        async with VENDORS[name](hearing, api_key=KEY, port=port, keep=False) as standin:
            ready.set()
            while True:
                for number, record in enumerate(standin.records["stt"]):
                    if logged.get(number) != record.audio_bytes:
                        logged[number] = record.audio_bytes
                        entry = {"stream": number, "audio_bytes": record.audio_bytes}
                        output.write(orjson.dumps(entry) + b"\n")
                await asyncio.sleep(LOG_EVERY_S)
