"""The backlog: nothing written twice, nothing forgotten, everything bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.write_behind import Backlog


def test_the_latest_record_wins_and_events_keep_their_order() -> None:
    backlog = Backlog()
    backlog.save("CA1", 1, 7, b"old")
    backlog.append("CA1", b"a")
    backlog.save("CA1", 1, 7, b"new")
    backlog.append("CA1", b"b")
    [write] = backlog.pending()
    assert (write.record, write.started_ms, write.generation) == (b"new", 7, 1)
    assert [event for _, event in write.events] == [b"a", b"b"]
    assert write.size == 5


def test_what_is_acknowledged_is_not_written_again() -> None:
    backlog = Backlog()
    backlog.save("CA1", 1, 0, b"record")
    [write] = backlog.pending()
    backlog.append("CA1", b"later")
    backlog.acknowledge(write)
    [rest] = backlog.pending()
    assert rest.record is None
    assert [event for _, event in rest.events] == [b"later"]
    assert rest.acknowledged == write.sequence
    backlog.acknowledge(rest)
    assert backlog.pending() == []
    assert backlog.write("CA1") is None
    assert len(backlog) == 1


def test_a_late_acknowledgement_takes_nothing_back() -> None:
    backlog = Backlog()
    backlog.append("CA1", b"a")
    first = backlog.write("CA1")
    backlog.append("CA1", b"b")
    second = backlog.write("CA1")
    assert first is not None
    assert second is not None
    backlog.acknowledge(second)
    backlog.acknowledge(first)
    assert backlog.dirty == 0


def test_an_older_generation_is_refused_here_already() -> None:
    backlog = Backlog()
    assert backlog.save("CA1", 2, 0, b"new")
    assert not backlog.save("CA1", 1, 0, b"old")
    [write] = backlog.pending()
    assert write.record == b"new"


def test_a_record_that_is_forgotten_is_not_written_but_the_log_is() -> None:
    backlog = Backlog()
    backlog.forget_record("CA1")
    backlog.append("CA1", b"a")
    backlog.save("CA1", 1, 0, b"record", closed=True)
    backlog.forget_record("CA1")
    [write] = backlog.pending()
    assert (write.generation, write.record, write.closed) == (None, None, False)
    assert [event for _, event in write.events] == [b"a"]
    backlog.acknowledge(write)
    backlog.save("CA1", 1, 0, b"record")
    backlog.forget_record("CA1")
    assert backlog.dirty == 0
    backlog.release("CA1")
    assert len(backlog) == 0


def test_a_call_that_is_only_logged_about_has_no_generation() -> None:
    backlog = Backlog()
    backlog.append("CA1", b"a")
    [write] = backlog.pending()
    assert (write.generation, write.record) == (None, None)


def test_a_stream_that_is_superseded_here_adds_nothing_to_the_log() -> None:
    backlog = Backlog()
    backlog.append("CA1", b"a", 1)
    [write] = backlog.pending()
    assert write.generation == 1
    backlog.own("CA1", 2)
    backlog.append("CA1", b"stale", 1)
    backlog.append("CA1", b"b", 2)
    backlog.append("CA1", b"anybody's")
    [write] = backlog.pending()
    assert write.generation == 2
    assert [event for _, event in write.events] == [b"a", b"b", b"anybody's"]


def test_a_released_call_is_forgotten_once_written() -> None:
    backlog = Backlog()
    backlog.save("CA1", 1, 0, b"record")
    backlog.release("CA1")
    assert len(backlog) == 1
    [write] = backlog.pending()
    backlog.acknowledge(write)
    assert len(backlog) == 0
    backlog.acknowledge(write)
    backlog.release("CA1")
    assert len(backlog) == 0


def test_a_call_that_is_saved_again_is_no_longer_released() -> None:
    backlog = Backlog()
    backlog.append("CA1", b"a")
    backlog.release("CA1")
    backlog.save("CA1", 1, 0, b"record")
    [write] = backlog.pending()
    backlog.acknowledge(write)
    assert len(backlog) == 1


def test_a_refused_call_is_forgotten_unless_it_is_ours_by_now() -> None:
    backlog = Backlog()
    backlog.save("CA1", 1, 0, b"record")
    [write] = backlog.pending()
    backlog.own("CA1", 2)
    assert not backlog.refuse(write)
    [write] = backlog.pending()
    assert write.generation == 2
    assert backlog.refuse(write)
    assert not backlog.refuse(write)
    assert len(backlog) == 0


def test_what_redis_lost_is_written_again_with_the_whole_record() -> None:
    backlog = Backlog()
    backlog.save("CA1", 1, 0, b"record")
    backlog.append("CA1", b"a")
    [first] = backlog.pending()
    backlog.acknowledge(first)
    backlog.append("CA1", b"b")
    [second] = backlog.pending()
    backlog.acknowledge(second)
    backlog.lost("CA1", first.sequence)
    [again] = backlog.pending()
    assert again.record == b"record"
    assert [event for _, event in again.events] == [b"b"]
    assert again.acknowledged == first.sequence
    backlog.lost_all()
    [whole] = backlog.pending()
    assert [event for _, event in whole.events] == [b"a", b"b"]
    assert whole.acknowledged == 0


def test_a_loss_of_what_was_never_there_is_none() -> None:
    backlog = Backlog()
    backlog.lost("CA1")
    backlog.append("CA1", b"a")
    backlog.lost("CA1")
    [write] = backlog.pending()
    assert len(write.events) == 1
    backlog.acknowledge(write)
    backlog.lost_all()
    [again] = backlog.pending()
    assert again.record is None
    backlog.discard("CA1")
    assert len(backlog) == 0


def test_the_log_kept_is_bounded_and_only_what_was_not_written_counts_as_dropped() -> None:
    backlog = Backlog(log_bytes=10)
    backlog.append("CA1", b"12345")
    [write] = backlog.pending()
    backlog.acknowledge(write)
    for event in (b"abcde", b"fghij", b"klmno"):
        backlog.append("CA1", event)
    assert backlog.dropped == 1
    [write] = backlog.pending()
    assert [event for _, event in write.events] == [b"fghij", b"klmno"]


def test_one_event_is_kept_however_large() -> None:
    backlog = Backlog(log_bytes=1)
    backlog.append("CA1", b"abc")
    [write] = backlog.pending()
    assert [event for _, event in write.events] == [b"abc"]


def test_calls_that_are_over_are_bounded_the_oldest_going_first() -> None:
    backlog = Backlog(released_calls=2)
    backlog.save("live", 1, 0, b"record")
    for sid in ("CA1", "CA2", "CA3"):
        backlog.save(sid, 1, 0, b"record")
        backlog.append(sid, b"event")
        backlog.release(sid)
    assert [write.sid for write in backlog.pending()] == ["live", "CA2", "CA3"]
    assert backlog.dropped == 2


@given(st.lists(st.sampled_from(["append", "save", "write", "apply", "lose"]), max_size=60))
def test_redis_has_everything_in_order_whatever_is_lost_or_repeated(steps: list[str]) -> None:
    """Against a model of the script: batches may be applied without being acknowledged."""
    backlog = Backlog()
    told: list[bytes] = []
    there: list[tuple[int, bytes]] = []
    sequence = 0

    def apply(acknowledged: bool) -> None:
        nonlocal sequence
        if (write := backlog.write("CA1")) is None:
            return
        if write.acknowledged > sequence:
            backlog.lost("CA1", sequence)
            return
        there.extend(item for item in write.events if item[0] > sequence)
        sequence = max(sequence, write.sequence)
        if acknowledged:
            backlog.acknowledge(write)

    for number, step in enumerate(steps):
        if step == "append":
            told.append(b"%d" % number)
            backlog.append("CA1", told[-1])
        elif step == "save":
            backlog.save("CA1", 1, 0, b"record")
        elif step == "lose":
            there, sequence = [], 0
        else:
            apply(acknowledged=step == "write")
    backlog.append("CA1", b"end")
    apply(acknowledged=True)
    apply(acknowledged=True)
    assert [event for _, event in there] == [*told, b"end"]
    assert backlog.dirty == 0
