"""What the engine costs for each frame of 20 ms, beside a bare `websockets` client's cost.

`python -m tests.providers.cost` from a shell. The vendor runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from media.audio import ULAW_8K
from providers.stt.recognition import Recognition
from providers.stt.soniox import SonioxRecognizer
from providers.stt.streaming import StreamingStt
from providers.types import SttOptions

FRAME_MS = 20
FRAMES_A_MESSAGE = 5
MESSAGES_A_TURN = 20
ROUNDS = 3

Round = Callable[[str, int, float], Coroutine[Any, Any, float]]


def token(text: str, at_ms: int, *, final: bool) -> dict[str, object]:
    """A token of a hundred milliseconds."""
    times = {"start_ms": at_ms, "end_ms": at_ms + 100}
    return {"text": text, **times, "confidence": 0.9, "is_final": final}


async def answer(connection: ServerConnection) -> None:
    """Be a vendor: an interim result after each 100 ms of audio, a final one after 2 s."""
    frames = 0
    async for frame in connection:
        if isinstance(frame, str):
            continue
        frames += 1
        at_ms, message = frames * FRAME_MS, frames // FRAMES_A_MESSAGE
        if frames % FRAMES_A_MESSAGE:
            continue
        final = message % MESSAGES_A_TURN == 0
        tokens = [token(f" w{message}", at_ms - 100, final=final)]
        tokens += [{"text": "<end>", "is_final": True}] if final else []
        told = {"tokens": tokens, "final_audio_proc_ms": 0, "total_audio_proc_ms": at_ms}
        with contextlib.suppress(ConnectionClosed):  # a client may leave at any time
            await connection.send(orjson.dumps(told).decode())


async def serving() -> None:
    """Serve until the standard input ends, and tell the port."""
    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def paced(send: Callable[[bytes], Awaitable[None]], seconds: float) -> float:
    """Have a frame sent on every stream each 20 ms; the CPU that it takes, in seconds."""
    frame = ULAW_8K.silence(FRAME_MS)
    began_s, used_s = time.monotonic(), time.process_time()
    for number in range(int(seconds * 1000 / FRAME_MS)):
        await send(frame)
        due_s = began_s + (number + 1) * FRAME_MS / 1000
        await asyncio.sleep(due_s - time.monotonic())
    return time.process_time() - used_s


@asynccontextmanager
async def reading(readers: Sequence[Awaitable[None]]) -> AsyncIterator[None]:
    """Inside, these run."""
    tasks = [asyncio.ensure_future(reader) for reader in readers]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def bare(url: str, streams: int, seconds: float) -> float:
    """With nothing but the library: a message sent, a message read as JSON."""

    async def read(socket: ClientConnection) -> None:
        async for message in socket:
            orjson.loads(message)

    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(url, compression=None, ping_interval=None))
            for _ in range(streams)
        ]

        async def send(frame: bytes) -> None:
            for socket in sockets:
                await socket.send(frame)

        async with reading([read(socket) for socket in sockets]):
            return await paced(send, seconds)


async def engine(url: str, streams: int, seconds: float) -> float:
    """With all that `Recognition` sees to."""

    async def read(stream: Recognition) -> None:
        async for _ in stream:
            pass

    provider = StreamingStt(SonioxRecognizer(api_key="k", stt_url=url))
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(provider.stream(SttOptions(audio=ULAW_8K)))
            for _ in range(streams)
        ]

        async def send(frame: bytes) -> None:
            for stream in opened:
                stream.send(frame)

        async with reading([read(stream) for stream in opened]):
            return await paced(send, seconds)


def measure(streams: int, seconds: float) -> dict[str, float]:
    """The least of some rounds of each, in µs a frame."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.providers.cost", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as vendor:
        assert vendor.stdin is not None
        assert vendor.stdout is not None
        url = f"ws://127.0.0.1:{int(vendor.stdout.readline())}/"
        frames = streams * int(seconds * 1000 / FRAME_MS)
        rounds: list[Round] = [bare, engine]
        used_s = [[uvloop.run(one(url, streams, seconds)) for one in rounds] for _ in range(ROUNDS)]
        vendor.stdin.close()
    least = [min(column) * 1e6 / frames for column in zip(*used_s, strict=True)]
    return {"bare_us": least[0], "engine_us": least[1], "ratio": least[1] / least[0]}


def main(arguments: Sequence[str]) -> None:
    """Measure, or be the vendor."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers.cost", description=__doc__)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        with contextlib.suppress(KeyboardInterrupt):
            uvloop.run(serving())
        return
    results = measure(given.streams, given.seconds)
    print(json.dumps({name: round(value, 2) for name, value in results.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
