"""PURE: what clients of the service send, and what is said in it.

The audio is that of the benchmark of calls, as 16-bit samples at 16 kHz: cycles of 10 s with speech
for 4.5 s. It begins somewhere on that track, after 20 ms of noise that no other client sends. In
each cycle a word is over every 300 ms, with a number of its own.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

from bot.bench.calls.script import CYCLE_MS, END_MS, INTERIM_MS, SPEECH_MS, Track
from media.audio import pcm_to_bytes, ulaw_to_pcm
from media.resample import resample

__all__ = ["BYTES_PER_MS", "FIRST_BYTES", "FIRST_MS", "INTERIM_MS", "Speech", "Utterance"]
__all__ += ["make_speech", "word", "word_number"]

RATE_HZ = 16_000
BYTES_PER_MS = 2 * RATE_HZ // 1000
FIRST_MS = 20
FIRST_BYTES = FIRST_MS * BYTES_PER_MS
_WORDS = SPEECH_MS // INTERIM_MS


@dataclass(frozen=True, slots=True)
class Utterance:
    """One cycle's speech as one client says it, in ms of that client's audio.

    Attributes:
        begin_ms: where it begins; negative when the audio begins in it.
        first: the number of its first word.
    """

    begin_ms: int
    first: int

    @property
    def words(self) -> list[tuple[int, int]]:
        """Its words of which all is heard: where each is over, and its number."""
        ends = [(self.begin_ms + (at + 1) * INTERIM_MS, self.first + at) for at in range(_WORDS)]
        return [(end_ms, number) for end_ms, number in ends if end_ms - INTERIM_MS >= FIRST_MS]

    @property
    def end_ms(self) -> int:
        """Where it is clear that it is over."""
        return self.begin_ms + END_MS


@dataclass(frozen=True, slots=True)
class Speech:
    """The track, twice, so that any part of it is one slice."""

    twice: bytes

    @property
    def size(self) -> int:
        """Bytes of the track."""
        return len(self.twice) // 2

    def between(self, offset_ms: int, start: int, end: int) -> bytes:
        """The bytes of a client's audio from one place to another, less than a track's length.

        Args:
            offset_ms: where on the track the client's audio begins.
        """
        at = (offset_ms * BYTES_PER_MS + start) % self.size
        return self.twice[at : at + end - start]

    def utterance(self, offset_ms: int, number: int) -> Utterance:
        """What a client says in a cycle: the one its audio begins in is 0."""
        cycle = offset_ms // CYCLE_MS + number
        return Utterance(cycle * CYCLE_MS - offset_ms, cycle * _WORDS)

    def utterance_of(self, offset_ms: int, word_number: int) -> Utterance:
        """What a client says a word in."""
        return self.utterance(offset_ms, word_number // _WORDS - offset_ms // CYCLE_MS)


def make_speech(track: Track) -> Speech:
    """The caller's track of the benchmark of calls, at 16 kHz."""
    narrow = ulaw_to_pcm(b"".join(map(b64decode, track.payloads)))
    return Speech(pcm_to_bytes(resample(narrow, 8_000, RATE_HZ)) * 2)


def word(number: int) -> str:
    """How a word is written."""
    return f"w{number}"


def word_number(text: str) -> int:
    """The number of the last word of a text."""
    return int(text.rpartition("w")[2])
