"""The same recording by every door, cut in many ways: the same is to be understood of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from websockets.asyncio.client import connect

from media.audio import PCM16_16K
from tests.providers.library.cutting import CUTS
from tests.vendors.speech.script import Script

__all__ = ["DOORS", "prove"]

SESSION_S = 300.0
AGAIN = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
"""Whoever gets these is to send its chunk again."""

Parameters = dict[str, str]


async def by_stream(url: str, pieces: Sequence[bytes], parameters: Parameters) -> list[str]:
    """What `/stt/stream` understands of pieces of 16-bit samples at 16 kHz."""
    query = urlencode({"sample_rate": "16000", "encoding": "pcm_s16le", **parameters})
    finals = []
    async with connect(f"{_ws(url)}/stt/stream?{query}", proxy=None, ping_timeout=None) as socket:
        sending = asyncio.create_task(_send(socket, pieces, orjson.dumps({"type": "close"})))
        async for text in socket:
            message = orjson.loads(text)
            assert message["type"] != "error", message
            if message["type"] == "transcription" and message["is_final"]:
                finals.append(message["text"])
        await sending
    return finals


async def by_asr(url: str, pieces: Sequence[bytes], parameters: Parameters) -> list[str]:
    """What `/ws/asr-stream` understands of them."""
    config = {"language_code": "en-US", "sample_rate_hertz": 16_000, **parameters}
    finals = []
    async with connect(f"{_ws(url)}/ws/asr-stream", proxy=None, ping_timeout=None) as socket:
        await socket.send(orjson.dumps(config).decode())
        assert orjson.loads(await socket.recv())["type"] == "metadata"
        sending = asyncio.create_task(_send(socket, pieces, b""))
        async for text in socket:
            message = orjson.loads(text)
            assert message["type"] != "error", message
            if message["type"] == "transcript" and message["is_final"]:
                finals.append(message["text"])
        await sending
    return finals


async def by_chunks(url: str, pieces: Sequence[bytes], parameters: Parameters) -> list[str]:
    """What `/stt/stream-chunk` understands of them."""
    fields: Parameters = {"sample_rate": "16000", "encoding": "pcm_s16le", **parameters}
    finals = []
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            fields |= {"chunk_index": str(index), "is_final_chunk": str(last).lower()}
            answer = await _post(client, fields, piece)
            fields = {"session_id": answer["session_id"]}
            finals += [one["text"] for one in answer["results"] if one["is_final"]]
    return finals


DOORS = {"/stt/stream": by_stream, "/ws/asr-stream": by_asr, "/stt/stream-chunk": by_chunks}


async def prove(url: str, script: Script, phrases: str, provider: str) -> int:
    """Print what each cut came to by each door: 1 when one differs, else 0."""
    audio = script.audio_in(PCM16_16K)
    wrong = 0
    recognizers = {
        "PocketSphinx": {"provider": "pocketsphinx"},
        "PocketSphinx, phrases": {"provider": "pocketsphinx", "phrases": phrases},
        "stand-in": {"provider": provider},
    }
    for name, parameters in recognizers.items():
        expected: list[str] | None = None
        for door, hear in DOORS.items():
            for cut, cut_up in CUTS.items():
                began_s = time.monotonic()
                async with asyncio.timeout(SESSION_S):
                    finals = await hear(url, list(cut_up(audio, PCM16_16K)), parameters)
                expected = finals if expected is None else expected
                same = finals == expected
                wrong += not same
                took_s = time.monotonic() - began_s
                verdict = "the same" if same else f"DIFFERENT: {finals}"
                print(f"{name:22} {door:18} {cut:9} {took_s:5.1f} s {verdict}", flush=True)
        print(f"{name:22} {expected}", flush=True)
        if name != "PocketSphinx" and " ".join(expected or []) != script.text:
            print("  which is not what was said")
            wrong += 1
    return min(wrong, 1)


async def _send(socket: Any, pieces: Sequence[bytes], end: bytes) -> None:
    for piece in pieces:
        await socket.send(piece)
    # JSON is sent as text.
    await socket.send(end.decode() if end else end)


async def _post(client: httpx.AsyncClient, fields: Parameters, piece: bytes) -> Any:
    while True:
        response = await client.post(
            "/stt/stream-chunk", data=fields, files={"audio_chunk": ("audio", piece)}
        )
        if response.status_code not in AGAIN:
            assert response.is_success, response.text
            return response.json()
        await asyncio.sleep(float(response.headers["Retry-After"]))


def _ws(url: str) -> str:
    return url.replace("http", "ws", 1)
