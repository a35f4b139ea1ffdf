"""The bare echo: the least that a server of Media Streams can do, for the ratio to it.

uvicorn, uvloop, orjson, base64, µ-law, linear resampling to 16 kHz and back; each frame is echoed.
`python -m bot.bench.calls.echo FD` serves on a listening socket that it inherits.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

import orjson

from media.audio import audioop

from .echoing import Message, Receive, Send, serve

__all__ = ["echo"]


async def echo(scope: Message, receive: Receive, send: Send) -> None:
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


if __name__ == "__main__":
    serve(echo)
