"""What a worker keeps of a session, without Redis."""

from __future__ import annotations

import orjson
import pytest

from bot.api.stt.kept import HeardChunk, Kept, Pace, final_event
from media.audio import PCM16_16K, AudioFormat, Encoding

SECOND = 32_000


def kept(audio: AudioFormat | None = PCM16_16K) -> Kept:
    return Kept("k", b"{}", Pace.of(audio), 1)


def first_needed(one: Kept) -> int:
    keep: int = orjson.loads(one.to_json())["keep"]
    return keep


@pytest.mark.parametrize(
    ("audio", "pace"),
    [
        (PCM16_16K, (2, 32_000, 960_000)),
        (AudioFormat(Encoding.ULAW, 8_000), (1, 8_000, 240_000)),
        (AudioFormat(Encoding.PCM16, 192_000, 2), (4, 768_000, 8 * 1024 * 1024)),
        (None, (1, 0, 1024 * 1024)),
    ],
)
def test_bytes_become_time(audio: AudioFormat | None, pace: tuple[int, int, int]) -> None:
    found = Pace.of(audio)
    assert (found.frame_bytes, found.rate_bytes, found.most_bytes) == pace
    assert found.ms(found.rate_bytes * 2) == (0 if audio is None else 2000)


def test_chunks_are_needed_until_all_of_each_is_understood_for_good() -> None:
    one = kept()
    assert first_needed(one) == 0
    for index in range(4):
        one.hear(HeardChunk(index, (index + 1) * SECOND, (index + 1) * 1000))
    assert first_needed(one) == 0
    one.covered_ms = 1999
    assert first_needed(one) == 1
    one.covered_ms = 2000
    assert first_needed(one) == 2
    one.covered_ms = 4000
    assert first_needed(one) == 4


def test_what_is_never_understood_is_not_kept_for_ever() -> None:
    one = kept()
    for index in range(60):
        one.hear(HeardChunk(index, (index + 1) * SECOND, (index + 1) * 1000))
    assert first_needed(one) == 20


def test_a_container_is_read_from_its_beginning() -> None:
    one = kept(None)
    for index in range(60):
        one.hear(HeardChunk(index, (index + 1) * SECOND, (index + 1) * 1000))
    one.covered_ms = 60_000
    assert first_needed(one) == 0


def test_the_latest_faults_of_chunks_are_kept() -> None:
    one = kept()
    for index in range(12):
        one.hear(HeardChunk(index, 640, 20, b'{"code":"bad_audio"}'))
    assert list(orjson.loads(one.to_json())["faults"]) == [str(n) for n in range(4, 12)]


def test_how_sure_a_final_is_counts_by_its_letters() -> None:
    message = orjson.dumps({"text": " word ", "confidence": 0.25, "more": "\n"})
    about, _, rest = final_event(7, message).partition(b"\n")
    assert rest == message
    assert orjson.loads(about) == {"sequence": 7, "text": "word", "sure": 1.0, "rated": 4}
    unrated = final_event(8, b'{"text":"word","confidence":null}')
    assert orjson.loads(unrated.partition(b"\n")[0])["rated"] == 0
