from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.dialog import Gather, Hangup, HistoryEntry, SendDigits, SetLanguage, Transfer, Turn
from bot.progress import Gathering, Progress
from bot.record import Record

SID = "CA" + "0" * 32
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.integers(0, 10_000_000)
progresses = st.builds(
    Progress,
    turns=st.integers(0, 1000),
    open_turn=st.none() | st.builds(Turn, texts, texts, st.none() | st.floats(0, 1), times),
    open_keys=st.lists(texts),
    state_before=st.none(),
    planned=st.sampled_from([None, Hangup("x"), Transfer("+15550000000"), SendDigits("12")]),
    speaking_from_ms=st.none() | times,
    gathering=st.none() | st.builds(Gathering, st.builds(Gather, st.none() | times), texts),
    expected=st.lists(texts).map(tuple),
    speaks=st.none() | st.builds(SetLanguage, texts, st.none() | texts),
    voicemail=st.sampled_from([None, "waiting", "message", "over"]),
    message_left=st.booleans(),
)


@given(progress=progresses)
def test_another_worker_finds_a_conversation_where_it_was(progress: Progress) -> None:
    record = Record(SID)
    progress.note(record)
    assert Progress.of(Record.from_json(record.to_json())) == progress


def test_a_call_that_has_just_begun() -> None:
    assert Progress.of(Record(SID)) == Progress()


def test_where_another_version_of_parley_left_a_conversation() -> None:
    record = Record(
        SID,
        open_turn={"id": "CA-1", "text": "hello", "mood": "good"},
        gathering={"digits": 2, "beep": True},
        history=[HistoryEntry("caller", "hello", "hello", 0, 100)],
    )
    progress = Progress.of(record)
    assert progress.turns == 1
    assert progress.open_turn == Turn("CA-1", "hello")
    assert progress.gathering == Gathering(Gather(digits=2))
