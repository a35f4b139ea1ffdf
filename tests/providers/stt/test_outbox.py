"""Transcripts that wait to be read."""

from __future__ import annotations

from providers.stt.outbox import MOST, Outbox
from providers.types import EndOfTurn, Transcript


def test_events_are_read_in_their_order() -> None:
    outbox = Outbox()
    assert not outbox
    outbox.put([Transcript("one", final=True), EndOfTurn(100)])
    outbox.put([Transcript("two", final=True)])
    assert outbox
    assert [outbox.take() for _ in range(3)] == [
        Transcript("one", final=True),
        EndOfTurn(100),
        Transcript("two", final=True),
    ]
    assert not outbox


def test_what_is_outdated_is_not_read() -> None:
    outbox = Outbox()
    outbox.put([Transcript("on", final=False), Transcript("one", final=False)])
    outbox.put([Transcript("one two", final=True)])
    assert outbox.take() == Transcript("one two", final=True)
    outbox.put([Transcript("three", final=False)])
    outbox.clear()
    assert not outbox


def test_nobody_reads_so_many() -> None:
    outbox = Outbox()
    outbox.put([Transcript("", final=True)] * MOST)
    assert not outbox.is_full
    outbox.put([EndOfTurn()])
    assert outbox.is_full
