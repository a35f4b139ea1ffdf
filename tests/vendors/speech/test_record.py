"""What a stand-in keeps of a client."""

from __future__ import annotations

from .record import MOST_KEPT, Record


def test_what_is_kept_is_bounded() -> None:
    record = Record("stt", "GET", "/")
    for _ in range(MOST_KEPT + 2):
        record.came(b"x")
    assert (len(record.received), record.not_kept) == (MOST_KEPT, 2)
