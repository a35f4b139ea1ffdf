"""Clients of each door that send a recording as it is spoken, and note all that they are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from media.audio import PCM16_16K

__all__ = ["DOORS", "Told"]

PIECE_MS, CHUNK_MS = 100, 250
ANSWER_S = 60.0
AUDIO = {"sample_rate": "16000", "encoding": "pcm_s16le"}


@dataclass
class Told:
    """What one client was told.

    Attributes:
        finals: all that was understood for good, each as its door says it.
        errors: what went wrong.
        ended: whether it was told that all is over.
        text: all that was understood, where the door says that in the end, too.
    """

    finals: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    ended: bool = False
    text: str | None = None

    def note(self, message: dict[str, Any]) -> None:
        """Take a message of a WebSocket."""
        kind = message["type"]
        if kind == "error":
            self.errors.append(orjson.dumps(message).decode())
        elif kind in ("transcription", "transcript") and message["is_final"]:
            self.finals.append(message)
        elif kind in ("session_ended", "complete"):
            self.ended = True
            self.text = message.get("text")


async def by_stream(url: str, audio: bytes, providers: str, began_s: float) -> Told:
    """Send to `/stt/stream` 16-bit samples at 16 kHz, the first of which was due at `began_s`."""
    query = "&".join(f"{name}={value}" for name, value in AUDIO.items())
    async with _socket(f"{url}/stt/stream?{query}&provider={providers}") as socket:
        return await _talk(socket, audio, began_s, b'{"type":"close"}'.decode())


async def by_asr(url: str, audio: bytes, providers: str, began_s: float) -> Told:
    """The same to `/ws/asr-stream`."""
    config = {"language_code": "en-US", "sample_rate_hertz": 16_000, "provider": providers}
    async with _socket(f"{url}/ws/asr-stream") as socket:
        await socket.send(orjson.dumps(config).decode())
        assert orjson.loads(await socket.recv())["type"] == "metadata"
        return await _talk(socket, audio, began_s, b"")


async def by_chunks(url: str, audio: bytes, providers: str, began_s: float) -> Told:
    """The same to `/stt/stream-chunk`."""
    told = Told()
    fields: Mapping[str, str] = {**AUDIO, "provider": providers}
    pieces = _pieces(audio, CHUNK_MS)
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, trust_env=False) as client:
        for index, piece in enumerate(pieces):
            await _until(began_s + index * CHUNK_MS / 1000)
            last = index == len(pieces) - 1
            order = {"chunk_index": str(index), "is_final_chunk": str(last).lower()}
            files = {"audio_chunk": ("audio", piece)}
            answer = await client.post("/stt/stream-chunk", data={**fields, **order}, files=files)
            if not answer.is_success:
                told.errors.append(answer.text)
                return told
            values = answer.json()
            fields = {"session_id": values["session_id"]}
            told.finals += [one for one in values["results"] if one["is_final"]]
        told.ended, told.text = values["status"] == "ended", values["transcript"]["text"]
    return told


Door = Callable[[str, bytes, str, float], Awaitable[Told]]
DOORS: Mapping[str, Door] = {
    "/stt/stream": by_stream,
    "/ws/asr-stream": by_asr,
    "/stt/stream-chunk": by_chunks,
}


def _socket(url: str) -> connect:
    return connect(url.replace("http", "ws", 1), proxy=None, compression=None)


async def _talk(socket: ClientConnection, audio: bytes, began_s: float, end: str | bytes) -> Told:
    told = Told()

    async def send() -> None:
        for index, piece in enumerate(_pieces(audio, PIECE_MS)):
            await _until(began_s + index * PIECE_MS / 1000)
            await socket.send(piece)
        await socket.send(end)

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send())
        async for text in socket:
            told.note(orjson.loads(text))
        sending.cancel()
    return told


def _pieces(audio: bytes, duration_ms: int) -> list[bytes]:
    size = PCM16_16K.byte_count(duration_ms)
    return [audio[at : at + size] for at in range(0, len(audio), size)]


async def _until(due_s: float) -> None:
    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
