"""The bare echo: the least that a server of Media Streams can do, for the ratio to it.

uvicorn, uvloop, orjson, base64, µ-law, linear resampling to 16 kHz and back; each frame is echoed.
`python -m bot.bench.calls.echo FD` serves on a listening socket that it inherits.
"""

from __future__ import annotations

import socket
import sys
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
import uvicorn

from media.audio import audioop

__all__ = ["echo"]

Message = MutableMapping[str, Any]


async def echo(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """The ASGI application."""
    await receive()
    await send({"type": "websocket.accept"})
    up = down = None
    while (message := await receive())["type"] == "websocket.receive":
        event = orjson.loads(message["text"])
        if event["event"] != "media":
            continue
        pcm = audioop.ulaw2lin(b64decode(event["media"]["payload"]), 2)
        wide, up = audioop.ratecv(pcm, 2, 1, 8_000, 16_000, up)
        narrow, down = audioop.ratecv(wide, 2, 1, 16_000, 8_000, down)
        payload = b64encode(audioop.lin2ulaw(narrow, 2)).decode()
        answer = {"event": "media", "streamSid": event["streamSid"], "media": {"payload": payload}}
        await send({"type": "websocket.send", "text": orjson.dumps(answer).decode()})


def main() -> None:
    config = uvicorn.Config(
        echo,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
    uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
