"""PURE: WebSocket frames as bytes, for both ends of a connection that only carries load.

The part of RFC 6455 that two ends which send whole messages need, at a tenth of a library's cost.
A client must mask what it sends; the key used here is all zeros, which leaves the payload as it is:
the receiver, which is what is measured, does its whole work, and prepared bytes can be sent.
"""

from __future__ import annotations

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "FrameError", "Unframer", "frame"]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_FINAL, _MASKED = 0x80, 0x80
_ZERO_KEY = bytes(4)


class FrameError(ValueError):
    """What came is no frame of a whole message."""


def frame(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    """One message of any size up to 64 KB in one frame; a client's is `masked`."""
    size, mask = len(payload), _MASKED if masked else 0
    key = _ZERO_KEY if masked else b""
    if size < 126:
        return bytes((_FINAL | opcode, mask | size)) + key + payload
    return bytes((_FINAL | opcode, mask | 126)) + size.to_bytes(2) + key + payload


class Unframer:
    """Cuts one direction of a connection into its messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take what was received; returns opcode and payload of each message that is complete.

        Raises:
            FrameError: a message came in fragments.
        """
        if self._rest:
            data = self._rest + data
        messages: list[tuple[int, bytes]] = []
        start = 0
        while (found := _frame_at(data, start)) is not None:
            opcode, payload, start = found
            messages.append((opcode, payload))
        self._rest = data[start:]
        return messages


def _frame_at(data: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Opcode, payload and end of the frame that begins at `start`; None if it is not complete."""
    if len(data) < start + 2:
        return None
    first, second = data[start], data[start + 1]
    opcode = first & 0x0F
    if not first & _FINAL or not opcode:
        raise FrameError("a message came in fragments")
    size, at = second & 0x7F, start + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(data[at : at + width]), at + width
    key = b""
    if second & _MASKED:
        key, at = data[at : at + 4], at + 4
    # Of a size that is cut off, `at` alone is beyond what there is.
    end = at + size
    if len(data) < end:
        return None
    payload = data[at:end]
    return opcode, _unmasked(payload, key) if key else payload, end


def _unmasked(payload: bytes, key: bytes) -> bytes:
    if key == _ZERO_KEY:
        return payload
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(size)
