"""What a client is told of a chunk that it has sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .chunks import Answer, Chunk, Put
from .faults import FAULTS, Fault

__all__ = ["gone", "refusal", "told"]


def refusal(put: Put, chunk: Chunk) -> Fault:
    """What the client is told of a chunk that is not kept."""
    given, number = chunk.index, put.number
    if put.fate == "early":
        return Fault(
            "chunk_out_of_order",
            f"chunk {number} has not come: send that first, then {given} again",
            allowed={"chunk_index": number},
        )
    if put.fate == "conflict":
        return Fault(
            "chunk_conflict",
            f"chunk {number} came with other bytes: a chunk is sent again as it was, and another"
            " one has the next index",
        )
    if put.fate == "full":
        return Fault(
            "too_fast",
            f"so much audio waits to be heard that there is no room: send it again in {number} s",
            retry_after_s=float(number),
        )
    if put.fate == "long":
        return Fault(
            "too_long",
            "a container that is sent in chunks may have 16 MiB, in 20000 chunks: begin another"
            " session, send bare samples, or use the WebSocket",
        )
    if put.fate == "streamed":
        return Fault("bad_config", "the session's audio comes by a WebSocket: resume it there")
    return gone(put.fate, put.reason)


def gone(fate: str, reason: str = "") -> Fault:
    """What the client is told of a session that is not to be had.

    Args:
        fate: `unknown`, `expired`, or `ended`.
        reason: why it has ended.
    """
    if fate == "unknown":
        return Fault(
            "session_not_found",
            "there is no session of that id: one begins with chunk 0, or without chunk_index",
        )
    if fate == "expired":
        return Fault("session_expired", "the session was left idle for too long: begin another")
    return Fault("session_ended", f"the session has ended ({reason}): begin another")


def told(session: str, put: Put, answer: Answer, ignored: Sequence[str] = ()) -> dict[str, Any]:
    """What the client is told of a chunk that was kept.

    Args:
        session: its id.
        put, answer: what became of the chunk.
        ignored: names that came with it and mean nothing.

    Raises:
        Fault: it was not heard, and will not be; or something was wrong with it.
    """
    if (wrong := answer.fault) is not None:
        raise Fault(
            wrong["code"],
            wrong["error"],
            allowed=wrong.get("allowed"),
            retry_after_s=wrong.get("retry_after_s"),
        )
    if answer.gone:
        raise gone(answer.gone)
    if answer.status == "unheard":
        code = answer.reason if answer.reason in FAULTS else "session_ended"
        raise Fault(code, "the session has ended, and the chunk was not heard")
    return {
        "session_id": session,
        "chunk_index": put.number,
        "duplicate": put.fate == "again",
        "status": answer.status,
        "results": answer.results,
        "transcript": {"text": answer.text, "confidence": answer.confidence},
        "audio_ms": answer.audio_ms,
        "ignored": ignored,
        "not_honoured": answer.not_honoured,
    }
