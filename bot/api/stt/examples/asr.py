"""A plain client of `WS /ws/asr-stream`: a configuration, audio as it is spoken, and then it waits.

::

    python asr.py FILE.wav [--url URL] [NAME=VALUE …]
    python asr.py hello.wav language_code=en-US

It needs `pip install websockets`. FILE is a 16-bit WAV with one channel; a key is read from
STT_KEY.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import wave

from websockets.asyncio.client import ClientConnection, connect

PIECE_MS = 100


async def transcribe(path: str, url: str, parameters: dict[str, str]) -> None:
    """Print what is said in a recording."""
    with wave.open(path) as file:
        rate_hz, audio = file.getframerate(), file.readframes(file.getnframes())
    key = os.environ.get("STT_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    address = url.replace("http", "ws", 1).rstrip("/") + "/ws/asr-stream"
    async with connect(address, additional_headers=headers) as socket:
        config = {"language_code": "en-US", "sample_rate_hertz": rate_hz, "encoding": "LINEAR16"}
        await socket.send(json.dumps(config | parameters))
        ready = json.loads(await socket.recv())
        if ready["type"] == "error":
            sys.exit(ready["detail"])
        sending = asyncio.create_task(_speak(socket, audio, rate_hz))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "transcript" and message["is_final"]:
                print(message["text"], flush=True)
            elif message["type"] == "error":
                sys.exit(message["detail"])
            elif message["type"] == "complete":
                break
        await sending


async def _speak(socket: ClientConnection, audio: bytes, rate_hz: int) -> None:
    size = rate_hz * 2 * PIECE_MS // 1000
    for at in range(0, len(audio), size):
        await socket.send(audio[at : at + size])
        await asyncio.sleep(PIECE_MS / 1000)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main() -> None:
    """Transcribe what the command line names."""
    parser = argparse.ArgumentParser(description="Transcribe a recording by /ws/asr-stream.")
    parser.add_argument("file")
    parser.add_argument("parameters", nargs="*", type=_pair, metavar="NAME=VALUE")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    given = parser.parse_intermixed_args()
    parameters = dict(given.parameters)
    asyncio.run(transcribe(given.file, given.url, parameters))


if __name__ == "__main__":
    main()
