"""Each call is judged by its own script."""

from __future__ import annotations

from typing import Any

import pytest

from bot.bench.calls.tally import Tally, faults_of_calls


def a_tally(**values: int) -> Tally:
    """A call of a minute, from the beginning of the track, in which all was well."""
    well = {"sent": 3_000, "recognized": 2_990, "streams": 1, "turns": 6, "barged": 1}
    return Tally(0, **(well | values))


def test_calls_in_which_all_was_well() -> None:
    # The last frames before a turn's end, and before the caller speaks over the bot, are young.
    young = {"sent": 2_010, "recognized": 2_010, "turns": 4}
    calls = [a_tally(), a_tally(**young, barged=0), a_tally(**young), Tally(1_730)]
    assert faults_of_calls(calls, 100) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"recognized": 2_989}, "lost audio on the way in"),
        ({"recognized": 0, "streams": 0}, "lost audio on the way in"),
        ({"streams": 2}, "had a recognizer too many"),
        ({"turns": 5}, "were not heard to end a turn"),
        ({"unheard": 1}, "had replies that never began"),
        ({"again": 1}, "had replies said again"),
        ({"barged": 0}, "spoke over the bot in vain"),
        ({"barged": 2}, "had replies cut off though they were silent"),
    ],
)
def test_one_call_of_a_hundred_makes_a_round_invalid(values: dict[str, Any], fault: str) -> None:
    calls = [a_tally() for _ in range(100)]
    calls[17] = a_tally(**values)
    assert faults_of_calls(calls, 100) == [f"1 calls {fault}: 17"]


def test_smaller_pieces_leave_less_under_way() -> None:
    call = a_tally(recognized=2_998)
    assert faults_of_calls([call], 20) == []
    call.recognized -= 1
    assert faults_of_calls([call], 20) == ["1 calls lost audio on the way in: 0"]


def test_not_every_call_is_named() -> None:
    (fault,) = faults_of_calls([a_tally(streams=2)] * 9, 100)
    assert fault == "9 calls had a recognizer too many: 0, 1, 2, 3, 4, …"
