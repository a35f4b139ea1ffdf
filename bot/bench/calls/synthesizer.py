"""Soniox's synthesizer without a synthesizer: prepared audio, four times as fast as it is spoken.

Source: https://soniox.com/docs/tts/api-reference/websocket-api
"""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from time import monotonic

import orjson

from .caller import CallerPhone
from .exchange import Exchange
from .script import BYTES_PER_MS
from .sockets import End

__all__ = ["Synthesizer"]

PIECE_MS = 400
PIECE_BYTES = PIECE_MS * BYTES_PER_MS
PIECE_EVERY_S = PIECE_MS / 1000 / 4


class Synthesizer:
    """One connection, which speaks several texts at a time.

    Args:
        end: the end of the connection.
        exchange: says for whom a text is.
        voice: µ-law of which all speech is cut.
    """

    def __init__(self, end: End, exchange: Exchange, voice: bytes) -> None:
        self._end = end
        self._exchange = exchange
        self._piece = b64encode((voice * (PIECE_BYTES // len(voice) + 1))[:PIECE_BYTES]).decode()
        self._texts: dict[str, str] = {}

    def received(self, opcode: int, payload: bytes) -> None:
        """Take a stream's configuration, text, or end; or a sign of life."""
        message = orjson.loads(payload)
        stream = message.get("stream_id")
        if stream is None:
            return
        if "model" in message:
            self._texts[stream] = ""
        elif message.get("cancel"):
            if self._texts.pop(stream, None) is not None:
                self._tell(stream, terminated=True)
        elif stream in self._texts:
            self._texts[stream] += message["text"]
            if message["text_end"]:
                phone, size = self._exchange.asked(self._texts[stream])
                self._speak(stream, phone, size, monotonic())

    def _speak(self, stream: str, phone: CallerPhone | None, left: int, due_s: float) -> None:
        """Send the next piece of a text, which was due at `due_s`, and the end after the last."""
        if stream not in self._texts:
            return  # cancelled
        now_s, line = monotonic(), self._exchange.line
        line.seen.piece_lateness.add(now_s, (now_s - due_s) * 1000)
        size = min(PIECE_BYTES, left)
        # Four characters are three bytes: the last piece may be two too long.
        self._tell(stream, audio=self._piece[: -(-size // 3) * 4], audio_end=False)
        if phone is not None:
            phone.piece_sent(now_s)
        if left > size:
            due_s += PIECE_EVERY_S
            line.wheel.at(due_s, partial(self._speak, stream, phone, left - size, due_s))
        else:
            del self._texts[stream]
            self._tell(stream, audio_end=True)
            self._tell(stream, terminated=True)

    def _tell(self, stream: str, **fields: str | bool) -> None:
        self._end.send(orjson.dumps({"stream_id": stream, **fields}))
