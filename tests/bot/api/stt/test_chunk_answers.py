"""What a client is told of its chunks, one answer at a time."""

from __future__ import annotations

import pytest

from bot.api.stt.chunk_answers import gone, refusal, told
from bot.api.stt.chunks import Answer, Chunk, Fate, Put
from bot.api.stt.faults import Fault

CHUNK = Chunk(7, b"abc", False, b"", False)


@pytest.mark.parametrize(
    ("fate", "number", "code", "says"),
    [
        ("early", 5, "chunk_out_of_order", "chunk 5 has not come: send that first, then 7 again"),
        ("conflict", 7, "chunk_conflict", "chunk 7 came with other bytes"),
        ("full", 4, "too_fast", "send it again in 4 s"),
        ("long", 0, "too_long", "16 MiB"),
        ("streamed", 0, "bad_config", "by a WebSocket"),
        ("unknown", 0, "session_not_found", "begins with chunk 0"),
        ("expired", 0, "session_expired", "begin another"),
        ("ended", 0, "session_ended", "(client)"),
    ],
)
def test_a_refusal_says_what_to_change(fate: Fate, number: int, code: str, says: str) -> None:
    fault = refusal(Put(fate, number, reason="client"), CHUNK)
    assert fault.code == code
    assert says in fault.text
    assert fault.retry_after_s == (4 if fate == "full" else None)
    assert fault.allowed == ({"chunk_index": 5} if fate == "early" else None)


def test_what_was_wrong_with_a_chunk_is_told_as_it_was() -> None:
    wrong = {"code": "too_fast", "error": "wait", "allowed": [1], "retry_after_s": 2}
    with pytest.raises(Fault) as caught:
        told("s", Put("stored", 1), Answer(fault=wrong))
    assert caught.value.values(5) == {
        "error": "wait", "code": "too_fast", "timestamp": 5, "allowed": [1], "retry_after_s": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(gone="expired"), "session_expired"),
        (Answer(status="unheard", reason="too_long"), "too_long"),
        (Answer(status="unheard", reason="client"), "session_ended"),
    ],
)
def test_what_was_not_heard_is_no_success(answer: Answer, code: str) -> None:
    with pytest.raises(Fault) as caught:
        told("s", Put("stored", 1), answer)
    assert caught.value.code == code


def test_who_has_no_such_session_is_told_how_one_begins() -> None:
    assert gone("unknown").status == 404
