"""For tests: a client without manners, at Azure's addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from media.audio import ULAW_8K
from providers.azure_usp import binary_message, json_message, speech_config
from providers.stt.azure_turn import riff_header
from tests.vendors.speech.faults import Fault
from tests.vendors.speech.oracle import OracleHearing
from tests.vendors.speech.refusal import Json
from tests.vendors.speech.script import Script
from tests.vendors.speech.talking import Talk

from .limits import Limits
from .standin import AzureStandIn
from .usp import opened

__all__ = ["AT", "CONFIG", "ENGLISH", "HEADERS", "TURN", "audio", "connected", "context", "kinds"]
__all__ += ["met", "rest", "said"]

AT = "2026-11-22T05:47:55.239Z"
CONFIG = speech_config(AT, {"type": "Stream"})
TURN = "0123456789abcdef0123456789abcdef"
HEADERS = {"Ocp-Apim-Subscription-Key": "stand-in-key", "X-ConnectionId": "c" * 32}
ENGLISH = {"language": "en-US", "format": "detailed", "wordLevelTimestamps": "true"}
PATH = "/stt/speech/recognition/conversation/cognitiveservices/v1"


def context(turn: str = TURN, **asked: object) -> str:
    """What opens a turn."""
    return json_message("speech.context", asked, AT, turn)


def audio(data: bytes, turn: str = TURN, *, begins: bool = False) -> bytes:
    """A turn's audio, µ-law; with its header when it begins there."""
    data = riff_header(ULAW_8K) + data if begins else data
    return binary_message("audio", data, AT, turn, stream="1")


@asynccontextmanager
async def connected(
    standin: AzureStandIn,
    *first: str | bytes,
    query: Mapping[str, str] = ENGLISH,
    headers: Mapping[str, str] = HEADERS,
) -> AsyncIterator[Talk]:
    """A stream, after the first frames."""
    url = f"{standin.ws_url}{PATH}?{urlencode(query)}"
    async with connect(url, additional_headers=headers, compression=None) as socket:
        talk = Talk(socket)
        await talk.say(*first)
        yield talk


@asynccontextmanager
async def met(
    script: Script, *first: str | bytes, limits: Limits | None = None, fault: Fault | None = None
) -> AsyncIterator[Talk]:
    """A stream, after the first frames, with a stand-in of its own."""
    faults = {"stt": [] if fault is None else [fault]}
    async with (
        AzureStandIn(OracleHearing(script), limits=limits, faults=faults) as standin,
        connected(standin, *first) as talk,
    ):
        yield talk


async def rest(talk: Talk, until: str = "") -> list[Json]:
    """What is said until a message of that path, or until the connection is closed."""
    messages: list[Json] = []
    try:
        while not messages or messages[-1]["path"] != until:
            frame = await talk.socket.recv()
            messages.append(orjson.loads(opened(frame)))
    except ConnectionClosed:
        return messages
    return messages


def kinds(messages: Sequence[Json]) -> list[str]:
    """Their paths, each once where it comes several times in a row."""
    paths = [message["path"] for message in messages]
    return [path for at, path in enumerate(paths) if at == 0 or path != paths[at - 1]]


def said(messages: Sequence[Json]) -> str:
    """What was understood for good."""
    texts = [m.get("DisplayText") for m in messages if m["path"] == "speech.phrase"]
    return " ".join(filter(None, texts))
