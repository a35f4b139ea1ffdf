"""Soniox's recognizer without a recognizer: it knows by the place in the audio what is said.

Source: https://soniox.com/docs/stt/api-reference/websocket-api
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import orjson

from bot.bench.calls.frames import CLOSE, TEXT
from bot.bench.calls.sockets import NORMAL, End

from .seen import Scene
from .speaker import Speaker
from .speech import BYTES_PER_MS, FIRST_BYTES, FIRST_MS, INTERIM_MS, Utterance, word

__all__ = ["Recognizer"]

_KNOWN = ("pcm_s16le", 16_000, 1)


class Recognizer:
    """One stream of recognition, at one end of a connection."""

    def __init__(self, end: End, scene: Scene) -> None:
        self._end = end
        self._scene = scene
        self._configured = self._knows = False
        self._head = b""
        self._bytes = 0
        self._speaker: Speaker | None = None
        self._number = 0
        self._utterance = Utterance(0, 0)
        self._words: list[tuple[int, int]] = []  # still to be said of it
        self._said: list[tuple[int, int]] = []  # and not final yet
        self._over = False  # its end was said

    def received(self, opcode: int, payload: bytes) -> None:
        """Take the configuration, audio, or a word of control."""
        if not payload:
            self._settle()
            self._say([], finished=True)
            self._end.send(NORMAL, CLOSE)
        elif opcode != TEXT:
            self._hear(payload)
        elif not self._configured:
            self._configure(orjson.loads(payload))
        elif orjson.loads(payload)["type"] == "finalize":
            self._settle("<fin>")

    def _configure(self, config: dict[str, Any]) -> None:
        self._configured = True
        fields = ("audio_format", "sample_rate", "num_channels")
        # In any other format a worker tries it out when it starts.
        self._knows = tuple(config.get(name) for name in fields) == _KNOWN

    def _hear(self, audio: bytes) -> None:
        now_s = monotonic()
        start, self._bytes = self._bytes, self._bytes + len(audio)
        if not self._knows or (self._speaker is None and not self._meet(audio)):
            return
        speaker = self._speaker
        assert speaker is not None
        speaker.heard += len(audio)
        if start >= FIRST_BYTES:
            expected = self._scene.speech.between(speaker.offset_ms, start, self._bytes)
            speaker.strange = speaker.strange or audio != expected
        complete_s = speaker.complete_s(self._bytes)
        self._scene.seen.ways_in.add(now_s, (now_s - complete_s) * 1000)
        self._advance(speaker, complete_s)

    def _meet(self, audio: bytes) -> bool:
        """Find out who is heard, by the first piece of the audio."""
        self._head += audio
        if len(self._head) < FIRST_BYTES:
            return False
        speaker = self._scene.speakers.get(self._head[:FIRST_BYTES])
        if speaker is None:
            self._scene.seen.counts["strange"] += 1
            self._head = b""
            return False
        speaker.streams += 1
        speaker.heard += self._bytes - len(audio)
        self._speaker = speaker
        self._turn_to(0)
        return True

    def _advance(self, speaker: Speaker, complete_s: float) -> None:
        """Say what can be said by now."""
        now_ms = self._bytes / BYTES_PER_MS
        if self._words and self._words[0][0] <= now_ms:
            while self._words and self._words[0][0] <= now_ms:
                self._said.append(self._words.pop(0))
            last = self._said[-1][1]
            now_s = monotonic()
            speaker.known[last] = now_s, complete_s
            if last == self._utterance.first:
                since_ms = now_ms - self._utterance.begin_ms
                self._scene.seen.vendor_firsts.add(now_s, since_ms)
            self._say(self._tokens(final=False))
        elif self._utterance.end_ms <= now_ms:
            if not self._over:
                self._settle("<end>")
            self._turn_to(self._number + 1)

    def _turn_to(self, number: int) -> None:
        assert self._speaker is not None
        self._number, self._over = number, False
        self._utterance = self._scene.speech.utterance(self._speaker.offset_ms, number)
        self._words = self._utterance.words

    def _settle(self, special: str | None = None) -> None:
        """What was said is final."""
        tokens = self._tokens(final=True)
        if self._speaker is not None:
            self._speaker.finals += [word(number) for _, number in self._said]
        self._said = []
        if not self._words:
            self._over = True
        if special is not None:
            tokens.append({"text": special, "is_final": True})
        if tokens:
            self._say(tokens)

    def _tokens(self, *, final: bool) -> list[dict[str, Any]]:
        return [
            {
                "text": f" {word(number)}",
                "start_ms": max(end_ms - INTERIM_MS, FIRST_MS),
                "end_ms": end_ms,
                "confidence": 0.97,
                "is_final": final,
            }
            for end_ms, number in self._said
        ]

    def _say(self, tokens: list[dict[str, Any]], *, finished: bool = False) -> None:
        heard_ms = self._bytes // BYTES_PER_MS
        message: dict[str, Any] = {
            "tokens": tokens,
            "final_audio_proc_ms": 0 if self._said else heard_ms,
            "total_audio_proc_ms": heard_ms,
        }
        if finished:
            message["finished"] = True
        self._end.send(orjson.dumps(message))
