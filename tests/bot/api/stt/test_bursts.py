"""Clients that say all that they have to say before they read anything."""

from __future__ import annotations

import asyncio
import base64
import os

from bot.api.stt.outbox import MOST_MESSAGES
from tests.bot.engines import Recognizer

from .served import LOUD, Service, serving

TEXT, BINARY = 0x81, 0x82


def frame(kind: int, payload: bytes) -> bytes:
    """A message of a WebSocket's client, in one frame."""
    assert len(payload) < 126
    return bytes([kind, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def burst(service: Service, sent: bytes, until: bytes) -> bytes:
    """What is answered to what was sent all at once, up to there or to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        "GET /stt/stream HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answered = bytearray()
    try:
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(sent)
            while until not in answered and (more := await reader.read(1 << 16)):
                answered += more
    finally:
        writer.close()
        await writer.wait_closed()
    return bytes(answered)


async def test_each_of_many_messages_at_once_is_answered() -> None:
    many = MOST_MESSAGES + 500
    sent = frame(TEXT, b'{"type":"nonsense"}') * many
    sent += frame(TEXT, b'{"type":"close"}')
    async with serving() as service:
        answered = await burst(service, sent, b'"session_ended"')
        assert answered.count(b'"bad_message"') == many


async def test_many_pieces_of_audio_at_once_hold_nobody_up() -> None:
    sent = frame(BINARY, LOUD[:2]) * 2_000 + frame(TEXT, b'{"type":"close"}')
    async with serving(Recognizer(utterances=False)) as service:
        task = asyncio.create_task(burst(service, sent, b'"session_ended"'))
        known_ms, most_ms = 0.0, 0.0
        while not task.done():
            await asyncio.sleep(0)
            if service.gate.open and (session := service.sessions.get(service.gate.open[0])):
                most_ms = max(most_ms, session.audio_ms - known_ms)
                known_ms = session.audio_ms
        assert b'"audio_ms":125' in await task
        # Between two turns of somebody else.
        assert most_ms < 5
