"""What a terminal shows of a long file."""

from __future__ import annotations

import io

from rich.console import Console

from bot.library.bar import Bar


def shown(*told: tuple[float, float | None]) -> str:
    """What is on the terminal, and how far the bar says that it is."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Bar(console, "call.wav") as bar:
        for done_ms, whole_ms in told:
            bar(done_ms, whole_ms)
        (task,) = bar._progress.tasks
        bar._progress.refresh()
        assert isinstance(console.file, io.StringIO)
        return f"{console.file.getvalue()} {task.percentage:.0f} %"


def test_it_shows_how_far_a_file_has_got() -> None:
    text = shown((0, 10_000), (5_000, 10_000))
    assert "call.wav" in text
    assert text.endswith(" 50 %")
    assert shown((5_000, 10_000), (10_000, 10_000)).endswith(" 100 %")


def test_it_moves_when_nobody_knows_how_long_it_is() -> None:
    assert "━" in shown((1_000, None))
