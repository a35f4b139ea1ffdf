"""A real browser at the doors of the service: its microphone plays a recording."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import orjson

from .chromium import Page, browser

__all__ = ["WAYS", "hear"]

PAGE_DOORS = Path(__file__).with_name("page_doors.js")
WAYS = ("page, samples", "page, recorder", "asrStream", "streamChunk")
OVER_S = 1.0
"""So long after the recording its microphone is left on."""
ANSWER_S = 30.0


async def hear(
    way: str,
    executable: str,
    recording: Path,
    duration_s: float,
    url: str,
    phrases: str,
    picture: Path | None = None,
) -> str:
    """What a browser is told of a recording.

    Args:
        way: one of `WAYS`.
        executable: the browser.
        recording: a WAV.
        duration_s: how long it is.
        url: of the worker.
        phrases: that are expected, with `|` between.
        picture: where to leave one of the page, when it is the page that is tried.

    Raises:
        RuntimeError: something went wrong in the browser.
        TimeoutError: it took too long.
    """
    with tempfile.TemporaryDirectory(prefix="parley-chromium-", ignore_cleanup_errors=True) as home:
        async with browser(executable, Path(home), recording) as page:
            await page.open(f"{url}/console/stt")
            if way.startswith("page"):
                text = await _use_page(page, way.rpartition(" ")[2], duration_s, phrases)
                if picture is not None:
                    await asyncio.to_thread(picture.write_bytes, await page.photograph())
            else:
                text = await _use_door(page, way, duration_s, phrases)
            if page.complaints:
                raise RuntimeError("; ".join(page.complaints))
            return text


async def _use_page(page: Page, way: str, duration_s: float, phrases: str) -> str:
    for name, value in {"way": way, "phrases": phrases.replace("|", "\n")}.items():
        await page.run(f"document.getElementById({_js(name)}).value = {_js(value)}")
    await page.run("document.getElementById('start').click()")
    await page.until("document.getElementById('status').textContent.startsWith('Listening')")
    await asyncio.sleep(duration_s + OVER_S)
    await page.run("document.getElementById('start').click()")
    await page.until("document.getElementById('start').textContent === 'Start'", ANSWER_S)
    if error := await page.run("document.getElementById('error').textContent"):
        raise RuntimeError(error)
    lines = await page.run("[...document.querySelectorAll('#finals p')].map(p => p.textContent)")
    return " ".join(lines)


async def _use_door(page: Page, function: str, duration_s: float, phrases: str) -> str:
    await page.run(await asyncio.to_thread(PAGE_DOORS.read_text, "utf-8"))
    duration_ms = round((duration_s + OVER_S) * 1000)
    call = f"{function}({duration_ms}, {_js({'phrases': phrases})})"
    return " ".join(await page.run(call, duration_s + ANSWER_S))


def _js(value: object) -> str:
    return orjson.dumps(value).decode()
