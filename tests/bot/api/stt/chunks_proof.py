"""Proves that a session by HTTP outlives its worker: chunks go to two workers in turn, and the one
that hears them is killed with SIGKILL in the middle, or frozen for a while with SIGSTOP.

From a shell: `python -m tests.bot.api.stt.chunks_proof --rounds 5 [--freeze]`. Every word must be
understood, and none twice: the vendor's stand-in knows the recording, and tells what it hears.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from tests.bot.redis_process import redis_process
from tests.bot.survival.launching import Launched, launch
from tests.bot.survival.workers import Worker
from tests.vendors.soniox.standin import SonioxStandIn
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.recordings import computed_script
from tests.vendors.speech.script import Script

__all__ = ["SENTENCES", "Round", "prove"]

KEY = "hush-hush"
SENTENCES = (
    "the first worker hears the beginning of this",
    "then somebody pulls the plug in the middle of a word",
    "and the other one goes on as if nothing had happened",
    "nobody hears a word twice and no word is lost on the way",
    "which is all that was to be shown here",
)
CHUNK_BYTES = 2_000
"""A quarter of a second of 8 kHz µ-law."""
POST_S = 60.0
FROZEN_POST_S = 2.0
"""A client that waits no longer for an answer sends the chunk again, to the other worker."""
FROZEN_S = 6.0


@dataclass
class Round:
    """One session.

    Attributes:
        killed: whether the worker was killed, or frozen, that heard it.
        at: before which chunk.
        longest_s: how long the slowest answer took.
        problems: what was wrong.
    """

    at: int
    killed: bool = False
    longest_s: float = 0.0
    problems: list[str] = field(default_factory=list)


class Caller:
    """A client that sends each chunk to the next worker, and to the other when that is gone."""

    def __init__(self, workers: Sequence[Worker], client: httpx.AsyncClient) -> None:
        self._workers = workers
        self._client = client
        self._session = str(uuid4())
        self.answers: list[dict[str, Any]] = []
        self.longest_s = 0.0

    @property
    def session(self) -> str:
        return self._session

    async def send(self, index: int, audio: bytes, *, final: bool = False) -> None:
        files: dict[str, Any] = {
            "session_id": (None, self._session),
            "encoding": (None, "mulaw"),
            "sample_rate": (None, "8000"),
            "chunk_index": (None, str(index)),
            "is_final_chunk": (None, str(final).lower()),
            "audio_chunk": ("audio", audio),
        }
        began_s = time.monotonic()
        for turn in range(20):
            worker = self._workers[(index + turn) % len(self._workers)]
            try:
                answer = await self._client.post(f"{worker.url}/stt/stream-chunk", files=files)
            except httpx.TransportError:
                continue
            if answer.is_success:
                self.answers.append(answer.json())
                break
            await asyncio.sleep(float(answer.headers.get("retry-after", 0.2)))
        else:
            raise AssertionError(f"chunk {index} is not taken")
        self.longest_s = max(self.longest_s, time.monotonic() - began_s)


async def _round(
    script: Script, workers: Sequence[Worker], redis: Redis, at: int, how: signal.Signals
) -> Round:
    found = Round(at)
    began_s = time.monotonic()
    audio = script.audio
    chunks = [audio[start : start + CHUNK_BYTES] for start in range(0, len(audio), CHUNK_BYTES)]
    patience_s = POST_S if how == signal.SIGKILL else FROZEN_POST_S
    async with httpx.AsyncClient(trust_env=False, timeout=patience_s) as client:
        caller = Caller(workers, client)
        for index, chunk in enumerate(chunks):
            # As it is spoken.
            await asyncio.sleep(max(0.0, began_s + index * 0.25 - time.monotonic()))
            if index == at:
                found.killed = await _harm(workers, redis, caller.session, how)
            await caller.send(index, chunk, final=index == len(chunks) - 1)
    found.longest_s = caller.longest_s
    found.problems = list(_problems(script, caller.answers))
    if not found.killed:
        found.problems.append("nobody was killed")
    return found


async def _harm(workers: Sequence[Worker], redis: Redis, session: str, how: signal.Signals) -> bool:
    """Do harm to the worker that hears the session; one that is frozen goes on later."""
    name: Any = await redis.hget(f"parley:stt:{session}", "worker")
    pid: Any = await redis.hget(f"parley:worker:{name}", "pid")
    for worker in workers:
        if str(worker.pid) == pid:
            worker.signal(how)
            if how == signal.SIGKILL:
                await worker.ended()
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(FROZEN_S, worker.signal, signal.SIGCONT)
            return True
    return False


def _problems(script: Script, answers: list[dict[str, Any]]) -> list[str]:
    """What is wrong with what the client was told."""
    said = script.text
    finals = [result for answer in answers for result in answer["results"] if result["is_final"]]
    told = " ".join(result["text"] for result in finals)
    problems = []
    if told != said:
        problems.append(f"finals: {told!r}")
    if answers[-1]["transcript"]["text"] != said:
        problems.append(f"transcript: {answers[-1]['transcript']['text']!r}")
    if [final["sequence"] for final in finals] != list(range(1, len(finals) + 1)):
        problems.append(f"sequences: {[final['sequence'] for final in finals]}")
    if answers[-1]["status"] != "ended":
        problems.append(f"status: {answers[-1]['status']}")
    times_ms = [final["start_ms"] for final in finals]
    if times_ms != sorted(times_ms):
        problems.append(f"times: {times_ms}")
    return problems


async def prove(
    folder: Path,
    rounds: Sequence[float],
    sentences: Sequence[str] = SENTENCES,
    start: Callable[..., Awaitable[Launched]] = launch,
    how: signal.Signals = signal.SIGKILL,
) -> list[Round]:
    """Make sessions, and harm a worker in each.

    Args:
        folder: for the workers and their logs.
        rounds: for each session, after which part of it the worker is harmed.
        sentences: that are said in each.
        start: how workers are started.
        how: the signal that it gets.
    """
    script = computed_script(sentences)
    count = -(-len(script.audio) // CHUNK_BYTES)
    vendor = SonioxStandIn(OracleHearing(script), api_key=KEY)
    async with redis_process() as server, vendor:
        settings = {
            "REDIS_URL": server.url,
            "PARLEY_STT_PROVIDER": "soniox",
            "PARLEY_TTS_PROVIDER": "soniox",
            "SONIOX_API_KEY": KEY,
            "SONIOX_STT_URL": vendor.stt_url,
            "SONIOX_TTS_URL": vendor.tts_url,
            "PARLEY_VAD": "energy",
            "PARLEY_STATE_DIR": str(folder),
        }
        workers = [Worker(name, folder, settings, start) for name in "ab"]
        redis = Redis.from_url(server.url, decode_responses=True)
        found = []
        try:
            for part in rounds:
                await asyncio.gather(*(one.start() for one in workers if not one.running))
                found.append(await _round(script, workers, redis, round(part * count), how))
        finally:
            await asyncio.gather(*(one.stop() for one in workers))
            await redis.aclose()
    return found


def main() -> int:
    """Prove it from a shell."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bot.api.stt.chunks_proof", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=5, help="sessions (5)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    parser.add_argument("--freeze", action="store_true", help="freeze workers for 6 s instead")
    given = parser.parse_args()
    how = signal.SIGSTOP if given.freeze else signal.SIGKILL
    moments = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="parley-chunks-") as folder:
        parts = [moments.uniform(0.05, 0.95) for _ in range(given.rounds)]
        rounds = asyncio.run(prove(Path(folder), parts, how=how))
        for each in rounds:
            verdict = "; ".join(each.problems) or "nothing lost, nothing twice"
            print(f"{how.name} before chunk {each.at}: {verdict}; slowest {each.longest_s:.1f} s")
        if any(each.problems for each in rounds):
            for log in Path(folder).glob("*.log"):
                print(f"--- {log.name}", *log.read_text("utf-8").splitlines()[-30:], sep="\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
