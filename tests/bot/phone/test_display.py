"""What a person sees."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from rich.console import Console

from bot.phone.display import LiveLog, late_note, print_call, print_calls
from bot.phone.events import EventKind, PhoneEvent, Traffic
from bot.phone.gaps import Gap
from bot.phone.result import Artifacts

from .results import FAULT, finished_call


def console() -> Console:
    return Console(file=StringIO(), width=120)


def text(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_log_has_a_line_for_each_event_but_marks() -> None:
    screen = console()
    log = LiveLog(screen)
    log(PhoneEvent(EventKind.BOT_STARTED, 1234.5))
    log(PhoneEvent(EventKind.MARK, 1300.0, "m1"))
    log(PhoneEvent(EventKind.VERB, 2000.0, "Say [bold]no markup[/bold]"))
    assert text(screen).splitlines() == [
        "   1.23  bot started",
        "   2.00  verb            Say [bold]no markup[/bold]",
    ]


def test_one_call() -> None:
    screen = console()
    print_call(screen, finished_call(faults=(FAULT,)), Artifacts(Path("out/recording.wav")))
    shown = text(screen)
    for part in (
        "Good day, what can I do?",
        "[no]",
        "(not reported)",
        "280.5",
        "ended by caller (hung up) after 3.6 s",
        "error 31951: field 'track' is not allowed here",
        "note: a note",
        "out/recording.wav",
        "overlaps: 0, clears: 1",
    ):
        assert part in shown


def test_many_calls() -> None:
    screen = console()
    print_calls(screen, [finished_call(), finished_call(faults=(FAULT,))])
    shown = text(screen)
    assert "2 calls, 1 failed" in shown
    assert shown.count("31951") == 1
    assert shown.count("CA000") == 1


def test_gaps_are_shown_where_there_are_any() -> None:
    screen = console()
    print_call(screen, finished_call(), Artifacts())
    assert "gap" not in text(screen)
    gaps = (Gap("broke", 1.0, 400.0, 700.0), Gap("broke", 2.0, None, None))
    print_calls(screen, [finished_call(gaps=gaps), finished_call()])
    rows = {
        cells[1]: cells[2:-1]
        for line in text(screen).splitlines()
        if len(cells := [cell.strip() for cell in line.split("│")]) > 3
    }
    assert rows["gap to the next stream"] == ["1", "400.0", "400.0", "400.0"]
    assert rows["gap to the bot's sound"] == ["1", "700.0", "700.0", "700.0"]


def test_a_late_phone_says_so() -> None:
    assert late_note([finished_call()]) is None
    assert late_note([finished_call(traffic=Traffic())]) is None
    late = finished_call(traffic=Traffic(late_ms=[0.1, 7.25]))
    assert late_note([late]) == "the phone itself was late: 7.2 ms at p99; latencies include it"
