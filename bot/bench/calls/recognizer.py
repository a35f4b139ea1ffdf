"""Soniox's recognizer without a recognizer: it knows by the position what is said.

Source: https://soniox.com/docs/stt/api-reference/websocket-api
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any

import orjson

from .caller import CallerPhone
from .exchange import Exchange
from .frames import CLOSE, TEXT
from .script import CYCLE_FRAMES, FRAME_BYTES, FRAME_MS, Moment, Track, reply_text
from .sockets import NORMAL, End

__all__ = ["Recognizer"]

_WORD_MS = 200


class Recognizer:
    """One stream of recognition, at one end of a connection."""

    def __init__(self, end: End, exchange: Exchange) -> None:
        self._end = end
        self._exchange = exchange
        self._opened_s: float | None = None
        self._heard = b""
        self._bytes = 0
        self._phone: CallerPhone | None = None
        self._moments: Iterator[Moment] = iter(())
        self._next: Moment | None = None
        self._open_turn: int | None = None
        self._said_turn = -1

    def received(self, opcode: int, payload: bytes) -> None:
        """Take the configuration, audio, or a word of control."""
        if not payload:
            self._say([], finished=True)
            self._end.send(NORMAL, CLOSE)
        elif opcode != TEXT:
            self._hear(payload)
        elif self._opened_s is None:
            self._open(orjson.loads(payload))
        elif orjson.loads(payload)["type"] == "finalize":
            self._end_turn("<fin>")

    def _open(self, config: dict[str, Any]) -> None:
        self._opened_s = monotonic()
        if (config.get("audio_format"), config.get("sample_rate")) != ("mulaw", 8_000):
            error = {"error_code": 400, "error_type": "invalid_request", "tokens": []}
            error["error_message"] = "this stand-in hears µ-law at 8000 Hz alone"
            self._end.send(orjson.dumps(error))
            self._end.send(NORMAL, CLOSE)

    def _hear(self, audio: bytes) -> None:
        now_s = monotonic()
        self._bytes += len(audio)
        if len(self._heard) < FRAME_BYTES:
            self._meet(audio)
        phone = self._phone
        if phone is None or self._opened_s is None:
            return
        last = self._bytes // FRAME_BYTES - 1
        phone.tally.recognized = last + 1
        since_s = max(phone.sent_s[last], self._opened_s)
        self._exchange.line.seen.late_in.add(now_s, (now_s - since_s) * 1000)
        position = phone.offset + last + 1
        while self._next is not None and position >= self._next.frame:
            self._speak(self._next)
            self._next = next(self._moments, None)

    def _meet(self, audio: bytes) -> None:
        """Find out who is heard, by the first frame."""
        self._heard = (self._heard + audio)[:FRAME_BYTES]
        if len(self._heard) < FRAME_BYTES:
            return
        self._phone = self._exchange.heard(self._heard)
        if self._phone is not None:
            offset = self._phone.offset
            self._moments = _moments(self._exchange.line.track, offset)
            self._next = next(self._moments)

    def _speak(self, moment: Moment) -> None:
        turn = (moment.frame - 1) // CYCLE_FRAMES
        if turn == self._said_turn:
            return  # its end was asked for before it came
        self._open_turn = turn
        if moment.end:
            self._end_turn("<end>")
        else:
            self._say(self._words(turn, final=False))

    def _end_turn(self, special: str) -> None:
        turn, self._open_turn = self._open_turn, None
        if turn is None or self._phone is None:
            self._say([{"text": special, "is_final": True}])
            return
        self._said_turn = turn
        self._say([*self._words(turn, final=True), {"text": special, "is_final": True}])
        self._exchange.turn_ended(self._phone.number, turn)

    def _words(self, turn: int, *, final: bool) -> list[dict[str, Any]]:
        """The words of a turn as tokens, the last one just spoken."""
        assert self._phone is not None
        words = reply_text(self._phone.number, turn).split()
        start_ms = max(self._heard_ms - len(words) * _WORD_MS, 0)
        return [
            {
                "text": f" {word}",
                "start_ms": start_ms + number * _WORD_MS,
                "end_ms": min(start_ms + (number + 1) * _WORD_MS, self._heard_ms),
                "confidence": 0.97,
                "is_final": final,
            }
            for number, word in enumerate(words)
        ]

    @property
    def _heard_ms(self) -> int:
        return self._bytes * FRAME_MS // FRAME_BYTES

    def _say(self, tokens: list[dict[str, Any]], *, finished: bool = False) -> None:
        message: dict[str, Any] = {
            "tokens": tokens,
            "final_audio_proc_ms": self._heard_ms if self._open_turn is None else 0,
            "total_audio_proc_ms": self._heard_ms,
        }
        if finished:
            message["finished"] = True
        self._end.send(orjson.dumps(message))


def _moments(track: Track, offset: int) -> Iterator[Moment]:
    """The moments of a call that begins at `offset`, counted on from the track's beginning."""
    start = 0
    while True:
        for moment in track.moments:
            if start + moment.frame > offset:
                yield Moment(start + moment.frame, moment.end)
        start += len(track.payloads)
