"""Transcribes a recording by `WS /stt/stream`, and goes on when the connection is lost.

::

    python client.py FILE [--url URL] [NAME=VALUE …]
    python client.py hello.wav language=en-US provider=auto

It needs `pip install websockets`. FILE is a 16-bit WAV, 8 kHz µ-law (`.ulaw`), or Ogg, WebM, FLAC
or MP3; of these four a part is no recording, so that they cannot go on. The values are parameters
of the service, as its `/stt/asyncapi.json` describes them; a key is read from STT_KEY. What is
understood goes to the standard error as it comes, and what is final to the standard output at the
end: until then it may be lost with a worker, and understood anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import wave
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

PIECE_MS = 100
RESUMABLE = (1006, 1011, 1012, 1013)
"""Closed with one of these, a session goes on over another connection."""
WAITS_S = (0, 0.5, 1, 2, 4, 8)
"""Between one connection and the next."""

TOLD_S = 2
"""So long it waits, at the end, until all is told."""


class Refused(Exception):
    """The service has said why it does not go on."""


class Recording:
    """What is to be transcribed.

    Attributes:
        audio: bare samples, or a container as it is.
        parameters: what the service has to know of it.
        frame_bytes: of a sample of each channel; 0 in a container.
        rate_hz: how many of these a second has.
    """

    def __init__(self, path: Path) -> None:
        self.audio = path.read_bytes()
        self.parameters = {"encoding": "auto"}
        self.frame_bytes, self.rate_hz = 0, 0
        if path.suffix == ".ulaw":
            self.parameters = {"encoding": "mulaw", "sample_rate": "8000"}
            self.frame_bytes, self.rate_hz = 1, 8_000
        elif path.suffix == ".wav":
            with wave.open(str(path)) as file:
                if file.getsampwidth() != 2:
                    return  # the service can read it
                self.audio, self.rate_hz = file.readframes(file.getnframes()), file.getframerate()
                channels = file.getnchannels()
            self.frame_bytes = 2 * channels
            self.parameters = {
                "encoding": "pcm_s16le",
                "sample_rate": str(self.rate_hz),
                "channels": str(channels),
            }

    def pieces(self, from_ms: int) -> list[bytes]:
        """The audio from there on, in pieces; in a container, all of it."""
        begin = from_ms * self.rate_hz // 1000 * self.frame_bytes
        size = PIECE_MS * self.rate_hz // 1000 * self.frame_bytes or 16_384
        return [self.audio[at : at + size] for at in range(begin, len(self.audio), size)]


async def transcribe(recording: Recording, url: str, given: dict[str, str]) -> None:
    """Print what is said in a recording.

    Raises:
        Refused: the service does not take it.
        OSError, ConnectionClosed: the service cannot be reached.
    """
    query = recording.parameters | given
    key = os.environ.get("STT_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    address = url.replace("http", "ws", 1).rstrip("/") + "/stt/stream"
    said: dict[int, str] = {}
    try:
        await _transcribe(recording, address, headers, query, said)
    finally:
        for text in said.values():
            print(text, flush=True)


async def _transcribe(
    recording: Recording,
    address: str,
    headers: dict[str, str],
    query: dict[str, str],
    said: dict[int, str],
) -> None:
    """Gather the finals in `said`, by their numbers; goes on when the connection is lost."""
    for wait_s in WAITS_S:
        await asyncio.sleep(wait_s)
        try:
            # What is sent at once is heard about as fast as it is spoken, and pings wait behind it.
            async with connect(
                f"{address}?{urlencode(query)}", additional_headers=headers, ping_timeout=None
            ) as socket:
                await _speak_and_listen(socket, recording, query, said)
                return
        except (OSError, ConnectionClosed) as error:
            code = socket_code(error)
            resumable = recording.frame_bytes and "session_id" in query
            if "session_id" in query and not recording.frame_bytes:
                print("\na container cannot be cut: send it again from its start", file=sys.stderr)
            if code not in RESUMABLE or not resumable or wait_s == WAITS_S[-1]:
                raise
            print(f"\nthe connection was lost ({code}): going on", file=sys.stderr)


def socket_code(error: Exception) -> int:
    """The code with which a connection was closed; 1006 when it was lost, or never made."""
    received = error.rcvd if isinstance(error, ConnectionClosed) else None
    return 1006 if received is None else received.code


async def _speak_and_listen(
    socket: ClientConnection, recording: Recording, query: dict[str, str], said: dict[int, str]
) -> None:
    started = json.loads(await socket.recv())
    if started["type"] == "error" and "retry_after_s" in started and "session_id" in query:
        await socket.recv()  # which says how it was closed
    if started["type"] == "error":
        raise Refused(_put(started))
    # What the service does not know any more it tells again, perhaps in other words.
    for sequence in [sequence for sequence in said if sequence > started["sequence"]]:
        del said[sequence]
    query |= {"session_id": started["session_id"], "after": str(max(said, default=0))}
    told = asyncio.Event()
    sending = asyncio.create_task(_speak(socket, recording.pieces(started["audio_ms"]), told))
    try:
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "transcription" and message["is_final"]:
                query["after"] = str(message["sequence"])
                said[message["sequence"]] = message["text"]
                print(message["text"], file=sys.stderr)
            elif message["type"] == "transcription":
                print(f"… {message['text']}", file=sys.stderr)
            elif message["type"] == "finalized":
                told.set()
            elif message["type"] == "error":
                print(_put(message), file=sys.stderr)
    except ConnectionClosed:
        if not told.is_set():
            raise
    finally:
        sending.cancel()
        await asyncio.wait([sending])


async def _speak(socket: ClientConnection, pieces: list[bytes], told: asyncio.Event) -> None:
    for piece in pieces:
        await socket.send(piece)  # which waits while the service takes no more
    # What is told before the session is closed need not be asked for when the connection is lost.
    await socket.send(json.dumps({"type": "finalize"}))
    with suppress(TimeoutError):
        await asyncio.wait_for(told.wait(), TOLD_S)
    await socket.send(json.dumps({"type": "close"}))


def _put(error: dict[str, object]) -> str:
    allowed = f"; allowed: {json.dumps(error['allowed'])}" if "allowed" in error else ""
    return f"{error['code']}: {error['error']}{allowed}"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main() -> None:
    """Transcribe what the command line names."""
    parser = argparse.ArgumentParser(description="Transcribe a recording.")
    parser.add_argument("file", type=Path)
    parser.add_argument("parameters", nargs="*", type=_pair, metavar="NAME=VALUE")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    given = parser.parse_intermixed_args()
    parameters = dict(given.parameters)
    try:
        asyncio.run(transcribe(Recording(given.file), given.url, parameters))
    except (Refused, OSError, ConnectionClosed, InvalidStatus) as error:
        said = error.response.body if isinstance(error, InvalidStatus) else None
        sys.exit(_put(json.loads(said)) if said else str(error))


if __name__ == "__main__":
    main()
