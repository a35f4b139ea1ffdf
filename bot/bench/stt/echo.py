"""The bare echo: the least that a server of audio on WebSockets can do, for the ratio to it.

uvicorn and uvloop; each message is sent back as it came. `python -m bot.bench.stt.echo FD` serves
on a listening socket that it inherits.
"""

from __future__ import annotations

from bot.bench.calls.echoing import Message, Receive, Send, serve

__all__ = ["echo"]


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


if __name__ == "__main__":
    serve(echo)
