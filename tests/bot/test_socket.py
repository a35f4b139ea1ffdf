from __future__ import annotations

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from bot.socket import CallSocket


class Server:
    """The server's side of a WebSocket."""

    def __init__(self, *messages: Message) -> None:
        self.inbox: list[Message] = [{"type": "websocket.connect"}, *messages]
        self.sent: list[Message] = []
        self.gone = False

    async def receive(self) -> Message:
        return self.inbox.pop(0)

    async def send(self, message: Message) -> None:
        if self.gone:
            raise OSError("client disconnected")
        self.sent.append(message)


async def accepted(server: Server) -> CallSocket:
    scope = {"type": "websocket", "path": "/", "headers": [], "subprotocols": []}
    websocket = WebSocket(scope, server.receive, server.send)
    await websocket.accept()
    return CallSocket(websocket)


async def test_messages_both_ways() -> None:
    server = Server(
        {"type": "websocket.receive", "text": "a"},
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b"\x00"},
        {"type": "websocket.disconnect", "code": 1000},
    )
    socket = await accepted(server)
    taken: list[str | bytes] = []
    await socket.listen(taken.append)
    assert taken == ["a", "", b"\x00"]
    await socket.send("b")
    assert server.sent[-1] == {"type": "websocket.send", "text": "b"}


async def test_closing_is_done_once() -> None:
    server = Server()
    socket = await accepted(server)
    await socket.close(1011)
    await socket.close(1000)
    assert server.sent[1:] == [{"type": "websocket.close", "code": 1011, "reason": ""}]
    with pytest.raises(ConnectionError):
        await socket.send("too late")


async def test_a_peer_that_is_gone() -> None:
    server = Server()
    socket = await accepted(server)
    server.gone = True
    with pytest.raises(ConnectionError):
        await socket.send("too late")
    await socket.close(1000)


async def test_a_peer_that_is_gone_when_we_close() -> None:
    server = Server()
    socket = await accepted(server)
    server.gone = True
    await socket.close(1000)
    assert len(server.sent) == 1


async def test_a_peer_that_has_closed_is_not_closed_again() -> None:
    server = Server({"type": "websocket.disconnect", "code": 1006})
    socket = await accepted(server)
    await socket.listen(lambda _: pytest.fail("nothing was sent"))
    await socket.close(1000)
    assert len(server.sent) == 1
