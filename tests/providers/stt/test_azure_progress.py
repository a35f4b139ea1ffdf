from __future__ import annotations

import pytest

from providers.stt.azure_progress import Progress


def test_what_is_told_of_a_turn_is_done() -> None:
    progress = Progress(500)
    progress.fall_silent(600)
    assert progress.done_ms == 0  # a word may have begun
    progress.speak(4_000)
    progress.fall_silent(4_500)
    assert progress.done_ms == 4_000
    progress.fall_silent(9_000)
    progress.fall_silent(8_000)
    assert progress.done_ms == 8_000


@pytest.mark.parametrize(
    ("spoken_ms", "silent_ms", "pause_ms", "is_cut_off"),
    [
        (0, 15_000, 500, True),
        (1_000, 15_000, 500, True),
        (0, 0, 500, False),  # it says nothing of where it ended
        (0, 20_000, 500, False),  # all was heard
        (0, 19_850, 500, False),
        (14_500, 15_000, 500, False),  # it is the end of what was said
        (11_000, 15_000, 500, True),
        (11_000, 15_000, 2_500, False),
    ],
)
def test_whose_end_a_turn_comes_to(
    spoken_ms: float, silent_ms: float, pause_ms: float, is_cut_off: bool
) -> None:
    progress = Progress(pause_ms)
    progress.speak(spoken_ms)
    progress.fall_silent(silent_ms)
    assert progress.is_cut_off(20_000) is is_cut_off
