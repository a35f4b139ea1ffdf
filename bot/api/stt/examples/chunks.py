"""Transcribes a recording by HTTP alone: `POST /stt/stream-chunk`.

::

    python chunks.py FILE [--url URL] [--chunk-bytes N] [NAME=VALUE …]

It needs `pip install httpx`. FILE may be WAV, Ogg, WebM, FLAC or MP3; any other is bare samples,
of which `encoding=…` and `sample_rate=…` say what they are. The values are parameters of the
service, as its `/stt/openapi.json` describes them; a key is read from STT_KEY.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

CHUNK_BYTES = 32_000
TRIES = 8
LATER = (408, 429, 502, 503)
"""Answered with one of these, a chunk may be sent again a little later."""


def transcribe(audio: bytes, client: httpx.Client, parameters: dict[str, str], size: int) -> None:
    """Print what is said.

    Raises:
        httpx.HTTPError: the service does not take it, or cannot be reached.
    """
    session: dict[str, str] = {}
    for index, at in enumerate(range(0, len(audio) or 1, size)):
        fields = session or parameters
        fields |= {"chunk_index": str(index), "is_final_chunk": str(at + size >= len(audio))}
        answer = _post(client, fields, audio[at : at + size])
        session = {"session_id": answer["session_id"]}
        for text in _finals(answer):
            print(text, flush=True)


def _post(client: httpx.Client, fields: dict[str, str], audio: bytes) -> Any:
    """Send a chunk; one whose answer was lost is not heard twice, as it has a number."""
    for attempt in range(TRIES):
        try:
            response = client.post(
                "/stt/stream-chunk", data=fields, files={"audio_chunk": ("audio", audio)}
            )
            if response.status_code not in LATER or attempt == TRIES - 1:
                if response.is_client_error:
                    print(response.text, file=sys.stderr)
                return response.raise_for_status().json()
            wait_s = float(response.headers.get("Retry-After", 1))
        except httpx.TransportError:
            # Which session a first chunk has begun is not known without its answer.
            if "session_id" not in fields or attempt == TRIES - 1:
                raise
            wait_s = 1.0
        time.sleep(wait_s)
    raise AssertionError("unreachable")


def _finals(answer: Any) -> Iterator[str]:
    return (result["text"] for result in answer["results"] if result["is_final"])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main() -> None:
    """Transcribe what the command line names."""
    parser = argparse.ArgumentParser(description="Transcribe a recording by HTTP alone.")
    parser.add_argument("file", type=Path)
    parser.add_argument("parameters", nargs="*", type=_pair, metavar="NAME=VALUE")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--chunk-bytes", type=int, default=CHUNK_BYTES)
    given = parser.parse_intermixed_args()
    parameters = {"encoding": "auto"} | dict(given.parameters)
    key = os.environ.get("STT_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=given.url, headers=headers, timeout=60) as client:
        try:
            transcribe(given.file.read_bytes(), client, parameters, given.chunk_bytes)
        except httpx.HTTPError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
