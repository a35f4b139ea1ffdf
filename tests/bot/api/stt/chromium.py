"""A real browser without a window, whose microphone plays a file: Debian's chromium.

It is told what to do by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol).
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Page", "browser", "find_chromium"]

START_S, CALL_S = 60.0, 60.0
POLL_S = 0.05
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def find_chromium() -> str | None:
    """Where it is; None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """A page of the browser.

    Attributes:
        complaints: what it wrote to its console as an error, or raised.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.complaints: list[str] = []

    async def call(self, method: str, deadline_s: float = CALL_S, **params: Any) -> Any:
        """What a method of the protocol answers.

        Raises:
            RuntimeError: it failed.
            TimeoutError: it does not answer.
        """
        number = next(self._ids)
        await self._socket.send(
            orjson.dumps({"id": number, "method": method, "params": params}).decode()
        )
        async with asyncio.timeout(deadline_s):
            while True:
                message = orjson.loads(await self._socket.recv())
                if message.get("id") == number:
                    break
                self._notice(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        return message["result"]

    async def open(self, url: str, *, width: int = 390, height: int = 844) -> None:
        """Go there, on a screen of that size, and wait until all is loaded."""
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def run(self, script: str, deadline_s: float = CALL_S) -> Any:
        """The value of an expression; a promise is awaited. Raises as `call`."""
        answer = await self.call(
            "Runtime.evaluate",
            deadline_s,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"].get("exception", answer)))
        return answer["result"].get("value")

    async def until(self, condition: str, deadline_s: float = CALL_S) -> None:
        """Wait until an expression is true.

        Raises:
            TimeoutError: it never was.
        """
        await self.run(
            f"new Promise(done => (function look() {{ ({condition}) ? done() :"
            f" setTimeout(look, {POLL_S * 1000}) }})())",
            deadline_s,
        )

    async def photograph(self) -> bytes:
        """A picture of it (PNG)."""
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    def _notice(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")


@asynccontextmanager
async def browser(executable: str, folder: Path, recording: Path) -> AsyncIterator[Page]:
    """Start it, with a page, until the context is left.

    Args:
        executable: see `find_chromium`.
        folder: for what it keeps.
        recording: a WAV that its microphone plays, once, from when it is opened.
    """
    process = await asyncio.create_subprocess_exec(
        executable,
        *OPTIONS,
        f"--use-file-for-fake-audio-capture={recording}%noloop",
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=DEVNULL,
        stderr=DEVNULL,
        env=os.environ | {"HOME": str(folder)},
        start_new_session=True,
    )
    try:
        url = await _page_url(folder)
        async with connect(url, max_size=None, compression=None, proxy=None) as socket:
            yield Page(socket)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _page_url(folder: Path) -> str:
    """Where its first page is told what to do."""
    port_file = folder / "DevToolsActivePort"
    async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as client:
        while True:
            with suppress(OSError, httpx.HTTPError, IndexError):
                port = port_file.read_text().split()[0]
                targets = (await client.get(f"http://127.0.0.1:{port}/json")).json()
                for target in targets:
                    if target["type"] == "page":
                        return str(target["webSocketDebuggerUrl"])
            await asyncio.sleep(POLL_S)
