"""The worker's words and the phone's times."""

from __future__ import annotations

from typing import Any

import pytest

from bot.phone.measure import Sound, Utterance
from bot.phone.playback import Clear
from bot.phone.speech import Span
from bot.phone.transcript import (
    ReportedTurn,
    read_history,
    reported_turns,
    transcript_text,
)


def entry(role: str, text: str, start_ms: int, end_ms: int, **more: Any) -> dict[str, Any]:
    said = {"role": role, "text": text, "heard": text, "start_ms": start_ms, "end_ms": end_ms}
    return {**said, "interrupted": False, **more}


SOUND = Sound(
    steps=(Utterance(Span(1900, 3100), Span(2000, 3000)),),
    caller=(Span(2000, 2400), Span(2700, 3000)),
    bot=(Span(300, 1000), Span(3700, 4200), Span(6700, 7000)),
    clears=(Clear(4210.0, 100, 100),),
)


def test_words_get_the_times_of_the_frames() -> None:
    history = read_history(
        {
            "history": [
                entry("bot", "Hello.", 290, 1100),
                entry("caller", "a table", 2100, 3500),
                entry("bot", "For which day?", 3690, 5000, heard="For", interrupted=True),
                entry("bot", "Are you there?", 6690, 7100),
            ]
        }
    )
    assert reported_turns(SOUND, history) == [
        ReportedTurn("bot", "Hello.", "Hello.", 300, 1000, False),
        ReportedTurn("caller", "a table", "a table", 2000, 3000, False),
        ReportedTurn("bot", "For which day?", "For", 3700, 4200, True),
        ReportedTurn("bot", "Are you there?", "Are you there?", 6700, 7000, False),
    ]


@pytest.mark.parametrize("history", [None, []])
def test_without_a_record_there_are_times_alone(history: list[Any] | None) -> None:
    turns = reported_turns(SOUND, history)
    assert [(turn.role, turn.start_ms, turn.end_ms) for turn in turns] == [
        ("bot", 300, 1000),
        ("caller", 2000, 3000),
        ("bot", 3700, 4200),
        ("bot", 6700, 7000),
    ]
    assert {turn.text for turn in turns} == {None}
    assert [turn.interrupted for turn in turns] == [False, False, True, False]


def test_what_only_one_side_knows_of_is_reported_too() -> None:
    history = read_history(
        {"history": [entry("bot", "Hello.", 300, 1000), entry("caller", "yes", 20_000, 21_000)]}
    )
    turns = reported_turns(SOUND, history)
    assert [(turn.role, turn.text, turn.start_ms) for turn in turns] == [
        ("bot", "Hello.", 300),
        ("caller", None, 2000),
        ("caller", None, 2700),
        ("bot", None, 3700),
        ("bot", None, 6700),
        ("caller", "yes", None),
    ]
    assert [turn.interrupted for turn in turns] == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    "record",
    [{}, {"history": None}, {"history": [{"role": "bot"}]}, {"history": ["text"]}],
)
def test_a_record_that_is_none_is_refused_without_quoting_it(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_history(record)


def test_a_transcript_shows_what_was_heard_when_it_is_less() -> None:
    turns = [
        ReportedTurn("bot", "For which day?", "For", 63_740, 64_000, True),
        ReportedTurn("caller", "Friday", "Friday", None, None, False),
        ReportedTurn("bot", None, None, 70_000, 71_000, False),
    ]
    assert transcript_text(turns) == (
        "01:03.7  bot     For which day?  [heard: For]\n"
        "--:--.-  caller  Friday\n"
        "01:10.0  bot     (not reported)\n"
    )
