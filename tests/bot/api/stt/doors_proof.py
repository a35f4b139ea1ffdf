"""Proves that clients written from the descriptions of the service alone understand a recording by
each of its doors: in Python, for Node, and in a real browser.

::

    python -m tests.bot.api.stt.doors_proof [--recordings DIR] [--picture FILE.png]
    python -m tests.bot.api.stt.doors_proof --cuts

A worker is started as users start it. PocketSphinx recognizes, told which phrases to expect, and
then a stand-in for Soniox that knows the recording. `--cuts` instead has the same recording cut in
many ways, which must not change what is understood of it by any door.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import bot.demo
from media.audio import PCM16_16K
from tests.bot.survival.workers import Worker
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import recordings_in, spoken_script
from tests.vendors.speech.script import Script

from . import browser_doors, cuts
from .chromium import find_chromium
from .example_clients import ClientFailed, find_node, install, run_node, run_python

__all__ = ["Outcome", "Scene", "prove", "scene"]

DEMO = Path(bot.demo.__file__).parent
DEMO_SAID = {"friday": "on friday", "ten": "at ten o'clock", "yes": "yes please"}
EXAMPLES = {"client": "/stt/stream", "chunks": "/stt/stream-chunk", "asr": "/ws/asr-stream"}
KEY = "hush-hush"


@dataclass(frozen=True, slots=True)
class Scene:
    """A worker, and a recording to be understood by it.

    Attributes:
        script: the recording, and what is said.
        phrases: that, a phrase for each utterance, with `|` between.
        recording: the same as a 16-bit WAV of 16 kHz.
        folder: for whatever is needed.
        url: of the worker.
        provider: of the recognizer that knows the recording.
    """

    script: Script
    phrases: str
    recording: Path
    folder: Path
    url: str
    provider: str = "soniox"

    @property
    def duration_s(self) -> float:
        return self.script.format.duration_ms(len(self.script.audio)) / 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one client was told by one door.

    Attributes:
        who: the client, the door, and the recognizer.
        text: all finals.
        problem: what went wrong; empty when nothing did.
        skipped: why it was not tried.
    """

    who: str
    text: str = ""
    problem: str = ""
    skipped: str = ""
    took_s: float = 0.0


@asynccontextmanager
async def scene(folder: Path, said: list[tuple[bytes, str]]) -> AsyncIterator[Scene]:
    """A worker that hears such recordings, until the context is left."""
    script = spoken_script(said)
    recording = folder / "recording.wav"
    with wave.open(str(recording), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(script.audio_in(PCM16_16K))
    vendor = SonioxStandIn(OracleHearing(script), api_key=KEY)
    async with vendor:
        settings = {
            "PARLEY_STT_PROVIDER": "pocketsphinx",
            "SONIOX_API_KEY": KEY,
            "SONIOX_STT_URL": vendor.stt_url,
            "PARLEY_STATE_DIR": str(folder),
        }
        worker = Worker("worker", folder, settings)
        try:
            await worker.start()
            phrases = "|".join(text for _, text in said)
            yield Scene(script, phrases, recording, folder, worker.url)
        finally:
            await worker.stop()


async def prove(stage: Scene, picture: Path | None = None) -> list[Outcome]:
    """Have each client hear the recording."""
    phrases = [f"phrases={stage.phrases}"]
    free = [f"provider={stage.provider}"]
    found = []
    for how, parameters in {"PocketSphinx": phrases, "stand-in": free}.items():
        for name, door in EXAMPLES.items():
            client = run_python(name, stage.recording, stage.url, parameters)
            found.append(await _try(f"Python  {door} {how}", client))
    found += await _by_node(stage, {"PocketSphinx": phrases, "stand-in": free})
    return found + await _by_browser(stage, picture)


async def _by_node(stage: Scene, ways: dict[str, list[str]]) -> list[Outcome]:
    if find_node() is None:
        return [Outcome("Node", skipped="there is no node or npm here")]
    folder = stage.folder / "node"
    folder.mkdir()
    try:
        await install(folder)
    except ClientFailed as error:
        return [Outcome("Node", skipped=f"npm cannot install ws: {error}")]
    return [
        await _try(
            f"Node    {door} {how}", run_node(name, stage.recording, stage.url, parameters, folder)
        )
        for how, parameters in ways.items()
        for name, door in EXAMPLES.items()
    ]


async def _by_browser(stage: Scene, picture: Path | None) -> list[Outcome]:
    executable = find_chromium()
    if executable is None:
        return [Outcome("browser", skipped="there is no chromium here: apt-get install chromium")]
    arguments = (executable, stage.recording, stage.duration_s, stage.url, stage.phrases)
    return [
        await _try(f"browser {way} PocketSphinx", browser_doors.hear(way, *arguments, picture))
        for way in browser_doors.WAYS
    ]


async def _try(who: str, client: Awaitable[str]) -> Outcome:
    began_s = time.monotonic()
    text, problem = "", ""
    try:
        text = await client
    except (ClientFailed, RuntimeError, TimeoutError) as error:
        problem = str(error) or type(error).__name__
    return Outcome(who, text, problem, took_s=time.monotonic() - began_s)


def said_in(recordings: Path | None) -> list[tuple[bytes, str]]:
    """Recordings, and what is said in each: the demo's when there is no folder of others."""
    if recordings is not None:
        return recordings_in(recordings)
    return [((DEMO / f"{name}.ulaw").read_bytes(), text) for name, text in DEMO_SAID.items()]


async def _main(given: argparse.Namespace) -> int:
    said = said_in(given.recordings)
    with tempfile.TemporaryDirectory(prefix="parley-doors-") as folder:
        async with scene(Path(folder), said) as stage:
            print(f"{stage.duration_s:.0f} s: {stage.script.text}", flush=True)
            if given.cuts:
                return await cuts.prove(stage.url, stage.script, stage.phrases, stage.provider)
            outcomes = await prove(stage, given.picture)
        wrong = 0
        for one in outcomes:
            if one.skipped:
                print(f"{one.who:45} skipped: {one.skipped}")
                continue
            right = one.text == stage.script.text
            wrong += not right
            verdict = "understood" if right else f"WRONG {one.problem or repr(one.text)}"
            print(f"{one.who:45} {one.took_s:5.1f} s {verdict}")
    return min(wrong, 1)


def main() -> int:
    """Prove it from a shell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.api.stt.doors_proof",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--recordings", type=Path, help="a folder of them (the demo's)")
    parser.add_argument("--picture", type=Path, help="where to leave one of the browser's page")
    parser.add_argument("--cuts", action="store_true", help="cut the recording in many ways")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
